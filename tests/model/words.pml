/* What the two ends of ring.pml share: the words of both segments, the rings, the socket. And how far behind a store may hang.
 *
 * Each word has one writer and one reader. `own` is what its owner last stored, `seen` what the other end's loads give. Process Memory
 * lets `seen` follow whenever it likes, each word by itself: stores wait for any time and overtake each other, which is more than the
 * store buffer of a processor does. The bytes of a ring are plain: they are published by a release store and looked at after an
 * acquire load, and nobody else looks at them.
 *
 *   (nothing)      a fence makes visible what its end has stored, as x86's does
 *   FENCE_PAIRS    it does only what C++ promises, against the other end's fences
 *   SEQUENTIAL     stores do not wait at all, as memory_order_seq_cst has it: for the larger configurations
 */
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef SEND_A
#define SEND_A 4
#endif
#ifndef SEND_B
#define SEND_B 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef SOCKET
#define SOCKET 2
#endif

#define HALF (CAPACITY / 2)
#define peer (1 - me)
#define DATA 1 /* what an end waits for: bits */
#define ROOM 2
#define ODD(x) ((x) & 1)

#ifdef HOSTILE
/* Numbers wrap, so that there are finitely many. All that matters is that more than 2 * CAPACITY fit. */
#ifndef MASK
#define MASK 7
#endif
#define WISH_MASK 3
#define NEXT_WISH(x) 1 /* it does not listen */
#define LIE(x) if :: (x) -> goto closing :: else fi
#else
#define MASK 255
#define LIE(x) assert(!(x)) /* no honest end is taken for a liar: indices never exceed the capacity */
#endif
#define MINUS(a, b) (((a) - (b)) & MASK) /* unsigned: negative is huge */

typedef Words {
  byte written;    /* bytes ever put into the owner's ring */
  byte taken;      /* bytes ever taken out of the other end's ring */
  byte wants_data; /* odd: the owner sleeps, or is about to, until something is written to it */
  byte wants_room; /* odd: likewise, until half of its own ring is free */
}
Words own[2];
#ifdef SEQUENTIAL
#define seen own
#else
Words seen[2];
#endif
#ifdef FENCE_PAIRS
Words fenced[2];
#endif

typedef Cells { byte cell[CAPACITY] }
Cells ring[2];

byte bells[2];    /* unread, in the socket towards this end */
byte to_send[2];  /* bytes that the caller still has to send */
byte asleep[2];   /* what this end sleeps for; 0: awake */
byte timeouts[2]; /* waits that may still time out */
bool paused[2];   /* reads no more */
bool closed[2];   /* its socket is closed, its process dead or not */
bool killed[2];
bool reported[2]; /* has nothing more to do, or has told its caller of the end */
bool finished;    /* everything stands still and Monitor was content */
#ifdef COUNT
byte rung_data[2], rung_room[2]; /* bells that this end sent */
#define RUNG_DATA rung_data[me]
#define RUNG_ROOM rung_room[me]
#else
#define RUNG_DATA 0
#define RUNG_ROOM 0
#endif

/* A fence, or the second half of a sequentially consistent store. As x86's: what its end has stored is visible from here on. Or, with
 * FENCE_PAIRS, only what C++ promises of two of them: the later one sees what was stored before the earlier, and nothing flows by
 * itself. */
#define ARRIVES(me, word) seen[me].word = own[me].word
#define CATCH_UP(word) fenced[me].word = own[me].word; \
  seen[peer].word = (seen[peer].word < fenced[peer].word -> fenced[peer].word : seen[peer].word)
#if defined(HOSTILE) || defined(SEQUENTIAL)
#define FENCE skip
#elif defined(FENCE_PAIRS)
#define FENCE d_step { CATCH_UP(written); CATCH_UP(taken); CATCH_UP(wants_data); CATCH_UP(wants_room) }
#else
#define FENCE d_step { ARRIVES(me, written); ARRIVES(me, taken); ARRIVES(me, wants_data); ARRIVES(me, wants_room) }
#endif

#if !defined(HOSTILE) && !defined(SEQUENTIAL)
#define FOLLOW(end, word) :: d_step { seen[end].word != own[end].word -> seen[end].word++ }
/* Stores become visible, some time. */
proctype Memory() {
end:
  do
  FOLLOW(0, written)
  FOLLOW(0, taken)
  FOLLOW(0, wants_data)
  FOLLOW(0, wants_room)
  FOLLOW(1, written)
  FOLLOW(1, taken)
  FOLLOW(1, wants_data)
  FOLLOW(1, wants_room)
  od
}

#define ALL_ARRIVE(me) ARRIVES(me, written); ARRIVES(me, taken); ARRIVES(me, wants_data); ARRIVES(me, wants_room)
#else
#define ALL_ARRIVE(me)
#endif

