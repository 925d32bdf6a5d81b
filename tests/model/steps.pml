/* What an end of ring.pml does, step by step. Between two steps anything may happen elsewhere; inside of one (atomic, d_step) at most
 * one word of the other end is read, or one of the own is written. */

/* A number between 1 and `most`: how many bytes one call moves. */
inline choose(most) {
#ifdef GREEDY
  k = most;
#else
  k = 1;
  do
  :: k < (most) -> k++
  :: break
  od
#endif
}

/* SharedMemoryCarrier::is_wish: does wish w, read from the other end's word, get a bell? */
#ifdef MUTATE_RING_ONCE
#define IS_WISH(w, last) (ODD(w) && last == 0)
#elif defined(MUTATE_RING_ALWAYS)
#define IS_WISH(w, last) ODD(w)
#else
#define IS_WISH(w, last) (ODD(w) && w != last)
#endif

/* SharedMemoryCarrier::ring_bell: one byte without waiting. A full socket drops it, and one whose other end has gone. */
inline ring_bell(last, count) {
  d_step {
    last = w;
#ifdef COUNT
    count++;
#endif
    if
#ifndef HOSTILE
    :: bells[peer] < SOCKET && !closed[peer] -> bells[peer]++
#endif
    :: else
    fi;
#ifdef COUNT
    /* At most one bell for each time that the other end lay down. */
    assert(rung_data[me] <= (own[peer].wants_data + 1) / 2 && rung_room[me] <= (own[peer].wants_room + 1) / 2);
    /* And one for room only when another half of the ring has been emptied. */
    assert(rung_room[me] * HALF <= own[me].taken);
#endif
#ifdef BELLS_AT_MOST
    assert(bells[peer] <= BELLS_AT_MOST);
#endif
    w = 0
  }
}

/* The next odd number says "I lie down" once more, whether the last one was withdrawn or not. */
#ifdef HOSTILE
#elif defined(MUTATE_SAME_NUMBER)
#define NEXT_WISH(x) ((x) | 1)
#else
#define NEXT_WISH(x) (((x) + 1) | 1)
#endif
/* An end that loops without input would count up to here; no honest run comes near. */
#ifdef HOSTILE
#define FEW(x) true
#else
#define FEW(x) ((x) < 60)
#endif

/* Who is awake may leave its wish standing, which costs the other end one bell (as the code does), or take it back (WITHDRAWS), or do
 * now this, now that. */
#if defined(WITHDRAWS)
#define MAY_WITHDRAW(word) if :: ODD(own[me].word) -> own[me].word = own[me].word + 1 :: else fi
#elif defined(MAY_WITHDRAW_OR_NOT)
#define MAY_WITHDRAW(word) if :: ODD(own[me].word) -> own[me].word = own[me].word + 1 :: true fi
#else
#define MAY_WITHDRAW(word) skip
#endif

#ifdef MUTATE_TAKE_FIRST
#define TAKEN_ALREADY - k
#else
#define TAKEN_ALREADY
#endif
#ifdef MUTATE_PUBLISH_FIRST
#define WRITTEN_ALREADY - k
#else
#define WRITTEN_ALREADY
#endif

/* Copies k bytes out, in the step that saw that they are there: they are nobody else's before `taken` says so. */
inline copy_out() {
  assert(k <= CAPACITY);
  n = 0;
  do
  :: n < k ->
#ifndef HOSTILE
    /* None is lost, doubled or out of order: byte number i has the value i + 1. */
    assert(ring[peer].cell[(own[me].taken TAKEN_ALREADY + n) % CAPACITY] == own[me].taken TAKEN_ALREADY + n + 1);
#endif
    n++
  :: else -> break
  od;
  n = 0
}

/* The rest of RingReader::read and of SharedMemoryCarrier::try_receive. */
inline take() {
#ifdef MUTATE_TAKE_FIRST
  own[me].taken = own[me].taken + k;
  FENCE;
  d_step { copy_out(); k = 0 };
#else
  atomic { MAY_WITHDRAW(wants_data); own[me].taken = (own[me].taken + k) & MASK; k = 0 };
#ifndef MUTATE_NO_FENCE_AFTER_TAKEN
  FENCE;
#endif
#endif
  d_step { w = seen[peer].wants_room; if :: IS_WISH(w, last_room_bell) :: else -> w = 0 fi };
  if
  :: w != 0 ->
    atomic { n = MINUS(seen[peer].written, own[me].taken); LIE(n > CAPACITY) };
    if
#ifdef MUTATE_HALF_ONLY_IN_WRITER
    :: n < CAPACITY ->
#else
    :: CAPACITY - n >= HALF ->
#endif
      /* It may have changed meanwhile: the bell is for the newest wish. */
      d_step { n = 0; w = seen[peer].wants_room; if :: IS_WISH(w, last_room_bell) :: else -> w = 0 fi };
      if
      :: w != 0 -> ring_bell(last_room_bell, RUNG_ROOM)
      :: else
      fi
    :: else -> d_step { n = 0; w = 0 }
    fi
  :: else
  fi
}

/* The other end does not look there before `written` says so. */
inline copy_in() {
  n = 0;
  do
  :: n < k ->
    ring[me].cell[(own[me].written WRITTEN_ALREADY + n) % CAPACITY] = own[me].written WRITTEN_ALREADY + n + 1;
    n++
  :: else -> break
  od;
  n = 0
}

/* The rest of RingWriter::write (or commit) and of SharedMemoryCarrier::try_send. */
inline put() {
#ifdef MUTATE_PUBLISH_FIRST
  own[me].written = own[me].written + k;
  d_step { copy_in(); to_send[me] = to_send[me] - k; k = 0 };
#else
  atomic {
    MAY_WITHDRAW(wants_room);
#ifndef HOSTILE
    to_send[me] = to_send[me] - k; /* against a hostile peer there is always more */
#endif
    own[me].written = (own[me].written + k) & MASK;
    k = 0
  };
#endif
#ifndef MUTATE_NO_FENCE_AFTER_WRITTEN
  FENCE;
#endif
  d_step { w = seen[peer].wants_data; if :: IS_WISH(w, last_data_bell) :: else -> w = 0 fi };
  if
  :: w != 0 -> ring_bell(last_data_bell, RUNG_DATA)
  :: else
  fi
}

/* SharedMemoryCarrier::arm: lies down, that is, says so and looks once more. */
inline arm_data() {
  d_step { own[me].wants_data = NEXT_WISH(own[me].wants_data); assert(FEW(own[me].wants_data)) };
#ifndef MUTATE_NO_FENCE_AFTER_WANTS_DATA
  FENCE;
#endif
  atomic {
#ifndef MUTATE_NO_RECHECK_OF_DATA
    n = MINUS(seen[peer].written, own[me].taken);
#endif
    if
    :: n == 0 -> waits = waits | DATA
    :: else -> n = 0; MAY_WITHDRAW(wants_data)
    fi
  }
}

/* RingWriter::has_room */
#ifdef MUTATE_HALF_ONLY_IN_READER
#define ENOUGH 1
#else
#define ENOUGH HALF
#endif
inline arm_room() {
  d_step { n = 0; patient = true; own[me].wants_room = NEXT_WISH(own[me].wants_room); assert(FEW(own[me].wants_room)) };
#ifndef MUTATE_NO_FENCE_AFTER_WANTS_ROOM
  FENCE;
#endif
  atomic {
#ifndef MUTATE_NO_RECHECK_OF_ROOM
    n = CAPACITY - MINUS(own[me].written, seen[peer].taken);
#endif
    if
    :: n < ENOUGH -> n = 0; waits = waits | ROOM
    :: else -> n = 0; MAY_WITHDRAW(wants_room)
    fi
  }
}

/* SharedMemoryCarrier::hear. Reads bells, all or some of them, or finds behind them that the other end has closed. Whatever was waited
 * for has then to be looked at again, and armed anew: the bell that is gone may have been for any of it. */
#define SOMETHING_TO_HEAR (bells[me] > 0 || (closed[peer] && !ended))
inline hear(forget) {
  if
#ifndef MUTATE_BELLS_NOT_READ
  :: bells[me] > 0 -> bells[me] = 0
#else
  :: bells[me] > 0
#endif
  :: bells[me] > 1 -> bells[me]--
  :: bells[me] == 0 -> ended = true
  fi;
  if
  :: forget || ended -> waits = 0
  :: else
  fi
}
#ifdef MUTATE_HEARD_IN_PASSING /* a bell read between two waits, and nobody who waits is told */
#define PASSING false
#else
#define PASSING true
#endif

