/* The ring of bytes in shared memory, and how its two ends sleep and wake: a model for SPIN (spinroot.com).
 *
 * tests/model/check_ring.py runs every configuration; docs/MODEL.md says what they show and what they do not.
 * The code is in transports/ring.*, transports/shared_memory_carrier.* and shared_memory_wait.cpp. Here       there
 *     End                  SharedMemoryCarrier::wait, async_wait and on_control, with a caller who reads and writes
 *     copy_out + take      RingReader::read in SharedMemoryCarrier::try_receive
 *     copy_in + put        RingWriter::write (or reserve and commit) in SharedMemoryCarrier::try_send
 *     IS_WISH, ring_bell   SharedMemoryCarrier::is_wish, ring_bell
 *     arm_data, arm_room   SharedMemoryCarrier::arm
 *     hear                 SharedMemoryCarrier::hear
 *     ENOUGH, HALF         RingWriter::has_room, RingReader::writer_has_room
 *
 * Configuration, all by -D; words.pml has those of memory:
 *   CAPACITY       bytes of a ring, a power of two            SEND_A, SEND_B  bytes that each end has to send
 *   TIMEOUTS       waits of each end that may time out        SOCKET          bells that a socket holds; further ones are dropped
 *   ALWAYS_READ    ends wait for data, also if none comes     PAUSE           an end may stop reading for good
 *   GREEDY         each call moves as much as it can, else    HEARS           an end may read its bells while it is awake
 *                  any number of bytes from 1 up to that      WITHDRAWS, MAY_WITHDRAW_OR_NOT   steps.pml
 *   DEATH          one end is killed between any two steps    HOSTILE         B is a process that keeps to nothing
 *   COUNT          counts bells                               BELLS_AT_MOST   asserts how many are unread
 *   MUTATE_...     one thing is left out: SPIN has to find an error
 */
#include "words.pml"
#include "steps.pml"

#ifdef ALWAYS_READ
#define READS (!paused[me])
#else
#define READS (!paused[me] && (me == 0 -> SEND_B : SEND_A) > 0)
#endif
#define WRITES (to_send[me] > 0 && !ended)
#define NEEDED ((READS -> DATA : 0) | (WRITES -> ROOM : 0))

#ifdef MUTATE_NO_DRAIN
#define MUST_DRAIN && !ended
#else
#define MUST_DRAIN
#endif
proctype End(bit me) {
  byte n, k, w;                          /* a number loaded, bytes moved at once, a wish */
  byte last_data_bell, last_room_bell;   /* the other end's last wish that we rang for */
  byte waits;                            /* armed, looked at since, and no bell heard after that: this can be slept for */
  bool patient;                          /* the ring was full: half of it has to be free before we go on */
  bool ended;                            /* end of file was read */
  bool timed;                            /* this sleep ends by itself */
#ifdef DEATH
  {
#endif
    do
    :: atomic {
        READS && !(waits & DATA) -> n = MINUS(seen[peer].written, own[me].taken);
#ifndef MUTATE_WRITTEN_BELIEVED
        LIE(n > CAPACITY);
#endif
#ifdef MUTATE_READ_TWICE
      };
      atomic {
        if :: n > 0 -> n = MINUS(seen[peer].written, own[me].taken) :: else fi;
#endif
        if
        :: n > 0 -> choose(n);
#ifdef MUTATE_TAKE_FIRST
          n = 0
#else
          copy_out()
#endif
        :: else
        fi };
      if
      :: k > 0 MUST_DRAIN -> take()
      :: (k == 0 || !(true MUST_DRAIN)) && ended -> break /* drained */
      :: else -> arm_data()
      fi
    :: atomic {
        WRITES && !(waits & ROOM) -> n = MINUS(own[me].written, seen[peer].taken);
#ifndef MUTATE_TAKEN_BELIEVED
        LIE(n > CAPACITY);
#endif
        n = (CAPACITY - n) & MASK;
        assert(n <= CAPACITY);
        if
        :: n >= (patient -> ENOUGH : 1) -> patient = false;
          n = (n < to_send[me] -> n : to_send[me]);
          choose(n);
#if defined(HOSTILE) || defined(MUTATE_PUBLISH_FIRST)
          n = 0
#else
          copy_in()
#endif
        :: else -> n = 0
        fi };
      if
      :: k > 0 -> put()
      :: else -> arm_room()
      fi
#ifdef HEARS
    :: atomic { SOMETHING_TO_HEAR -> hear(PASSING) }
#endif
#ifdef PAUSE
    :: READS -> paused[me] = true
#endif
    :: atomic {
        NEEDED && (waits & NEEDED) == NEEDED && !ended -> asleep[me] = NEEDED;
        if
        :: timeouts[me] > 0 -> timeouts[me]--; timed = true
        :: true
        fi };
      atomic {
        if
        :: SOMETHING_TO_HEAR -> hear(true)
        :: timed -> waits = 0; patient = false
        :: finished -> break
        fi;
        timed = false;
        asleep[me] = 0
      }
    :: !NEEDED -> break
    od;
#ifndef HOSTILE
    /* Every byte that the other end published before it went has been delivered. */
    assert(!ended || !READS || own[me].taken == own[peer].written);
#else
closing:
    skip;
#endif
    d_step { reported[me] = true; asleep[me] = 0 }
#ifdef DEATH
  } unless { killed[me] }
#endif
}

#ifndef HOSTILE
/* Death: a process ends between any two steps; the kernel closes its socket after the last of its stores. */
#define DIES(me) d_step { killed[me] = true; closed[me] = true; asleep[me] = 0; bells[me] = 0; ALL_ARRIVE(me) }
proctype Killer() {
  if
  :: DIES(0)
  :: DIES(1)
  fi
}

/* When nothing can move any more, nothing may be left to do. */
#define RIGHTLY_ASLEEP(a, b) \
  (!(asleep[a] & DATA) || own[b].written == own[a].taken) && \
  (!(asleep[a] & ROOM) || CAPACITY - (own[a].written - own[b].taken) < ENOUGH)
proctype Monitor() {
  timeout ->
  d_step {
    assert(asleep[0] || reported[0] || killed[0]);
    assert(asleep[1] || reported[1] || killed[1]);
    assert(RIGHTLY_ASLEEP(0, 1) && RIGHTLY_ASLEEP(1, 0)); /* no lost wake-up */
    assert(bells[0] == 0 || !asleep[0]);
    assert(bells[1] == 0 || !asleep[1]);
#ifdef DEATH
    assert(reported[0] || reported[1]); /* who is left has told its caller */
#elif !defined(PAUSE)
    assert(own[0].written == SEND_A && own[1].taken == SEND_A); /* everything written is read at last */
    assert(own[1].written == SEND_B && own[0].taken == SEND_B);
#endif
    finished = true
  }
}
#else
/* A peer that writes anything into its own words at any time, rings at will, closes, and goes on. Only these steps are progress:
 * a cycle without one (SPIN's -DNP) would be an honest end that works without input. */
proctype Hostile() {
  byte x;
  do
  :: reported[0] -> break
  :: else ->
    atomic {
      do :: x < MASK -> x++ :: break od;
      if
#ifdef ALWAYS_READ
      :: seen[1].written = x
      :: seen[1].wants_room = x & WISH_MASK
#endif
#if SEND_A > 0
      :: seen[1].taken = x
      :: seen[1].wants_data = x & WISH_MASK
#endif
      :: bells[0] < SOCKET && !closed[1] -> bells[0]++
      :: !closed[1] -> closed[1] = true
      fi;
      x = 0
    };
progress_of_the_hostile:
    skip
  od
}
#endif

init {
  atomic {
#ifdef HOSTILE
    to_send[0] = SEND_A;
    run End(0);
    run Hostile()
#else
    to_send[0] = SEND_A;
    to_send[1] = SEND_B;
    timeouts[0] = TIMEOUTS;
    timeouts[1] = TIMEOUTS;
    run End(0);
    run End(1);
#ifndef SEQUENTIAL
    run Memory();
#endif
    run Monitor();
#ifdef DEATH
    run Killer()
#endif
#endif
  }
}
