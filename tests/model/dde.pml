/* Two ends of a DDE conversation, from the moment both are connected (transports/dde/conversation.cpp), and the post between them.
 *
 * What is left out: time (no deadline ever passes), how they meet, what chunks hold. A message is posted and handled in one step each,
 * since one thread runs a conversation; between any two steps anything may happen at the other end.
 *
 *   SEND_A, SEND_B   datagrams of each end            CHUNKS   chunks of each of them
 *   ROOM             chunks that may be unacknowledged WINDOW   datagrams that may be not taken    STEP   of them, after which it is told
 *   TERMINATES       bits: which ends may say goodbye at any time
 *   DEATH            one of the ends may die at any time
 *   REORDERS         so often the post hands over a later chunk first
 *   DUPLICATES       so often it hands over a chunk twice; then the conversation may end, and nothing may be delivered twice
 */
#ifndef SEND_A
#define SEND_A 3
#endif
#ifndef SEND_B
#define SEND_B 0
#endif
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef ROOM
#define ROOM 2
#endif
#ifndef WINDOW
#define WINDOW 2
#endif
#ifndef STEP
#define STEP 1
#endif
#ifndef TERMINATES
#define TERMINATES 0
#endif
#ifndef REORDERS
#define REORDERS 0
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif

#define peer (1 - me)
#define MOST 8
#define ALL_CHUNKS ((1 << CHUNKS) - 1)
#define TO_SEND (me == 0 -> SEND_A : SEND_B)

mtype = { CHUNK, TAKEN, ACK, TERM };
#define OPEN 0
#define TERMINATING 1
#define CLOSED 2

/* What is posted to each end. Nothing is ever posted that does not fit: ROOM chunks, an ACK for each chunk, TERMINATE. */
#define BOX (3 * ROOM + 2 + DUPLICATES)
chan box[2] = [BOX] of { mtype, byte, byte };

typedef Numbers { byte chunks[MOST] }
byte state[2];
byte next[2];        /* datagram of which the next chunk is to be posted */
byte part[2];        /* and which chunk */
byte unacked[2];     /* posted and not acknowledged */
byte memory[2];      /* pieces of global memory that this end has to free */
byte peer_took[2];   /* the other end has taken every datagram below */
Numbers got[2];      /* which chunks of which datagram are here: bits */
byte whole[2];       /* datagrams that are whole and not taken: bits */
byte taken[2];       /* handed to the user: bits */
byte below[2];       /* every datagram below has been taken */
byte told[2];        /* and the other end was told so up to here */
bool by_us[2];       /* this end said goodbye, or found a lie */
byte goodbyes[2];    /* TERMINATE that this end has posted */
bool dead[2];
bool lie[2];
byte reorders = REORDERS, duplicates = DUPLICATES;
bool finished;

inline post(kind, a, b) {
  assert(nfull(box[peer]));                     /* bounded: whoever posts never waits */
  assert(state[me] == OPEN || kind == TERM);    /* after goodbye nothing is posted but the answer to one */
  box[peer]!kind, a, b
}

inline carry(kind, a, b) { post(kind, a, b); unacked[me]++; memory[me]++; assert(unacked[me] <= ROOM) }

inline free_all() {
#ifndef MUTATE_KEEPS_MEMORY
  memory[me] = 0;
#endif
  unacked[me] = 0
}

inline say_goodbye() {
  goodbyes[me]++;
  assert(goodbyes[me] <= 1);
  post(TERM, 0, 0)
}

inline terminate() { say_goodbye(); by_us[me] = true; state[me] = TERMINATING }

/* The user takes datagram n. */
inline deliver() {
  assert(!(taken[me] & (1 << n)));                                  /* none is doubled */
  assert(state[me] == OPEN || (state[me] == CLOSED && !by_us[me])); /* nothing after this end's own goodbye */
#if REORDERS == 0 && DUPLICATES == 0
  assert(n == below[me]);                                           /* none is lost */
#endif
  taken[me] = taken[me] | (1 << n);
  whole[me] = whole[me] & ~(1 << n);
  do
  :: taken[me] & (1 << below[me]) -> below[me]++
  :: else -> break
  od;
#ifdef MUTATE_ACK_WHEN_TAKEN
  k = 0;
  do
  :: state[me] == OPEN && k < CHUNKS -> post(ACK, 0, 0); k++
  :: else -> break
  od;
  k = 0;
#endif
  n = 0
}

/* Reassembly::feed. */
#ifdef MUTATE_NO_REPLAY_CHECK
#define REPLAYED false
#else
#define REPLAYED (a < below[me] || a >= below[me] + WINDOW || (taken[me] & (1 << a)) || (got[me].chunks[a] & (1 << b)))
#endif
inline on_chunk() {
  if
  :: REPLAYED -> terminate(); lie[me] = true
  :: else ->
    got[me].chunks[a] = got[me].chunks[a] | (1 << b);
    if
    :: got[me].chunks[a] == ALL_CHUNKS -> whole[me] = whole[me] | (1 << a)
    :: else
    fi;
#ifndef MUTATE_ACK_WHEN_TAKEN
    post(ACK, 0, 0)
#endif
  fi
}

inline on_message() {
  if
  :: kind == TERM ->
    if
    :: state[me] == OPEN ->
#ifndef MUTATE_NO_ANSWER
      say_goodbye();
#endif
      state[me] = CLOSED
#ifdef MUTATE_ANSWERS_ALWAYS
    :: state[me] == TERMINATING -> say_goodbye(); state[me] = CLOSED
#else
    :: state[me] == TERMINATING -> state[me] = CLOSED
#endif
    :: else
    fi;
    free_all()
#ifdef MUTATE_HEARS_AFTER_GOODBYE
  :: kind == CHUNK && state[me] == TERMINATING -> whole[me] = whole[me] | (1 << a)
#endif
  :: kind != TERM && state[me] == OPEN ->
    if
    :: kind == CHUNK -> on_chunk()
    :: kind == TAKEN ->
      if
      :: a > peer_took[me] && a <= next[me] -> peer_took[me] = a; post(ACK, 0, 0)
      :: else -> terminate(); lie[me] = true
      fi
    :: kind == ACK ->
      if
      :: unacked[me] > 0 ->
#ifndef MUTATE_ACK_FREES_NOTHING
        unacked[me]--;
#endif
        memory[me]--
      :: else -> terminate(); lie[me] = true
      fi
    fi
  :: else /* nothing is heard any more */
  fi
}

#ifdef MUTATE_HEARS_AFTER_GOODBYE
#define MAY_TAKE true
#else
#define MAY_TAKE (state[me] == OPEN || (state[me] == CLOSED && !by_us[me]))
#endif
proctype End(byte me) {
  mtype kind;
  byte a, b, n, k;
  do
  :: atomic { state[me] == OPEN && !dead[me] && next[me] < TO_SEND && unacked[me] < ROOM && next[me] < peer_took[me] + WINDOW ->
      carry(CHUNK, next[me], part[me]);
      part[me]++;
      if
      :: part[me] == CHUNKS -> part[me] = 0; next[me]++
      :: else
      fi
    }
#ifndef MUTATE_NO_NOTICE
  :: atomic { state[me] == OPEN && !dead[me] && below[me] - told[me] >= STEP && unacked[me] < ROOM ->
      told[me] = below[me];
      carry(TAKEN, told[me], 0)
    }
#endif
  :: atomic { whole[me] != 0 && MAY_TAKE && !dead[me] ->
      do
      :: !(whole[me] & (1 << n)) -> n++
      :: else -> break
      od;
      deliver()
    }
  :: atomic { !dead[me] && state[me] != CLOSED && nempty(box[me]) -> box[me]?kind, a, b; on_message(); kind = 0; a = 0; b = 0 }
#if TERMINATES
  :: atomic { state[me] == OPEN && !dead[me] && (TERMINATES & (1 << me)) -> terminate() }
#endif
#ifdef DEATH
  :: atomic { dead[peer] && empty(box[me]) && state[me] != CLOSED && !dead[me] -> state[me] = CLOSED; free_all() }
#endif
  :: dead[me] || finished -> break
  od;
}

/* When nothing can move any more, nothing may be left to do. */
proctype Monitor() {
  timeout ->
  d_step {
#if TERMINATES == 0 && !defined(DEATH)
#if DUPLICATES == 0
    assert(!lie[0] && !lie[1]);                                  /* no honest end is taken for a liar */
#endif
    if
    :: !lie[0] && !lie[1] ->
      assert(below[1] == SEND_A && below[0] == SEND_B);          /* everything is delivered */
      assert(unacked[0] == 0 && unacked[1] == 0)
    :: else
    fi;
#endif
    assert(state[0] == OPEN || state[0] == CLOSED || dead[0]);   /* nobody waits for an answer for ever */
    assert(state[1] == OPEN || state[1] == CLOSED || dead[1]);
    assert((state[0] == state[1]) || dead[0] || dead[1]);
    assert(memory[0] == 0 || dead[0]);
    assert(memory[1] == 0 || dead[1]);
    finished = true
  }
}

#ifdef DEATH
proctype Killer() {
  if
  :: d_step { dead[0] = true; state[0] = CLOSED }
  :: d_step { dead[1] = true; state[1] = CLOSED }
  fi
}
#endif

#if REORDERS || DUPLICATES
/* A post that is not honest. What is moved goes behind everything else. */
proctype Post() {
  byte a, b;
end:
  do
#if REORDERS
  :: atomic { reorders > 0 && len(box[1]) > 1 && box[1]?[CHUNK, _, _] -> box[1]?CHUNK, a, b; box[1]!CHUNK, a, b; reorders--; a = 0; b = 0 }
#endif
#if DUPLICATES
  :: atomic { duplicates > 0 && box[1]?[CHUNK, _, _] -> box[1]?<CHUNK, a, b>; box[1]!CHUNK, a, b; duplicates--; a = 0; b = 0 }
#endif
  :: finished -> break
  od
}
#endif

init {
  atomic {
    run End(0);
    run End(1);
    run Monitor();
#ifdef DEATH
    run Killer();
#endif
#if REORDERS || DUPLICATES
    run Post();
#endif
  }
}
