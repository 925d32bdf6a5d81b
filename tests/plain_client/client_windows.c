/* A Penstock client in C, written from docs/PROTOCOL.md alone: Win32 for the pipe, libsodium for primitives, nothing of ours.
 *
 *   client NAME     connects to the endpoint NAME of scope user (Noise_NN_25519_ChaChaPoly_BLAKE2b, bound to the processes), sends
 *                   the message "hello", calls "double" with "abc", expects status 7 and "abcabc", and closes.
 *
 * Exit code: 0, or the number of the step that failed. */
#include <windows.h>

#include <aclapi.h>
#include <sddl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HASH 64        /* BLAKE2b */
#define BLOCK 128
#define TAG 16
#define HEADER 32      /* section 4 */
#define LARGEST 4096   /* more than this client ever sends or expects */

static void fail(int step, const char* what) {
  fprintf(stderr, "client: step %d: %s (%lu)\n", step, what, GetLastError());
  exit(step);
}
static void need(int condition, int step, const char* what) {
  if (!condition) fail(step, what);
}

static void put32(uint8_t* to, uint32_t value) { for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> 8 * i); }
static void put64(uint8_t* to, uint64_t value) { for (int i = 0; i < 8; ++i) to[i] = (uint8_t)(value >> 8 * i); }
static uint32_t get32(const uint8_t* from) { uint32_t v = 0; for (int i = 0; i < 4; ++i) v |= (uint32_t)from[i] << 8 * i; return v; }
static uint64_t get64(const uint8_t* from) { uint64_t v = 0; for (int i = 0; i < 8; ++i) v |= (uint64_t)from[i] << 8 * i; return v; }

/* --- 2.4 Segments ------------------------------------------------------------------------------------------------------- */

static HANDLE pipe_;
static uint32_t left_in_segment;

static void pipe_write(const uint8_t* bytes, uint32_t size) {
  uint8_t segment[8 + LARGEST] = {0};
  DWORD done = 0;
  put32(segment, size);
  memcpy(segment + 8, bytes, size);
  need(WriteFile(pipe_, segment, size + 8, &done, NULL) && done == size + 8, 40, "write");
}
static void raw_read(uint8_t* into, uint32_t size) {
  while (size != 0) {
    DWORD got = 0;
    need(ReadFile(pipe_, into, size, &got, NULL) && got != 0, 41, "read: the listener closed");
    into += got;
    size -= got;
  }
}
static void pipe_read(uint8_t* into, uint32_t size) {
  while (size != 0) {
    if (left_in_segment == 0) {
      uint8_t head[8];
      raw_read(head, 8);
      left_in_segment = get32(head);
      need(left_in_segment >= 1 && left_in_segment <= 61440 && get32(head + 4) == 0, 42, "segment"); /* none of ours has handles */
    }
    const uint32_t part = size < left_in_segment ? size : left_in_segment;
    raw_read(into, part);
    into += part;
    size -= part;
    left_in_segment -= part;
  }
}

/* --- 4 Frames ----------------------------------------------------------------------------------------------------------- */

static void make_header(uint8_t* header, uint8_t type, uint32_t length, uint64_t sequence, uint64_t time) {
  memset(header, 0, HEADER);
  memcpy(header, "PNSK", 4);
  header[4] = 1;
  header[5] = type;
  put32(header + 12, length);
  put64(header + 16, sequence);
  put64(header + 24, time);
}
static uint32_t read_frame(uint8_t* frame, uint8_t type, uint64_t sequence) {
  pipe_read(frame, HEADER);
  need(memcmp(frame, "PNSK\1", 5) == 0 && frame[5] == type && frame[6] == 0 && frame[7] == 0, 43, "header");
  need(get32(frame + 8) == 0 && get64(frame + 16) == sequence, 44, "epoch or sequence");
  const uint32_t length = get32(frame + 12);
  need(length >= TAG && length <= LARGEST - HEADER, 45, "length");
  pipe_read(frame + HEADER, length);
  return length;
}

/* --- Noise, revision 34: section 5 -------------------------------------------------------------------------------------- */

static uint8_t h[HASH], ck[HASH];

static void hash2(uint8_t* out, const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size) {
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, NULL, 0, HASH);
  crypto_generichash_blake2b_update(&state, a, a_size);
  crypto_generichash_blake2b_update(&state, b, b_size);
  crypto_generichash_blake2b_final(&state, out, HASH);
}
static void hmac(uint8_t* out, const uint8_t* key, size_t key_size, const uint8_t* data, size_t size) {
  uint8_t inner[BLOCK], outer[BLOCK], digest[HASH];
  memset(inner, 0x36, BLOCK);
  memset(outer, 0x5C, BLOCK);
  for (size_t i = 0; i < key_size; ++i) {
    inner[i] ^= key[i];
    outer[i] ^= key[i];
  }
  hash2(digest, inner, BLOCK, data, size);
  hash2(out, outer, BLOCK, digest, HASH);
}
/* HKDF(ck, input, 2) */
static void hkdf(uint8_t* first, uint8_t* second, const uint8_t* input, size_t size) {
  uint8_t temp[HASH], text[HASH + 1];
  hmac(temp, ck, HASH, input, size);
  hmac(first, temp, HASH, (const uint8_t*)"\1", 1);
  memcpy(text, first, HASH);
  text[HASH] = 2;
  hmac(second, temp, HASH, text, HASH + 1);
}
static void mix_hash(const uint8_t* data, size_t size) { hash2(h, h, HASH, data, size); }

static void nonce_of(uint8_t* nonce, uint64_t sequence) {
  memset(nonce, 0, 4);
  put64(nonce + 4, sequence);
}

/* --- 7 Records ---------------------------------------------------------------------------------------------------------- */

static uint8_t key_out[32], key_in[32];
static uint64_t next_out, next_in;

static void send_record(uint8_t type, const uint8_t* payload, uint32_t size) {
  uint8_t frame[LARGEST], nonce[12];
  ULONGLONG hundreds = 0;
  need(QueryUnbiasedInterruptTime(&hundreds), 50, "clock");
  make_header(frame, type, size + TAG, next_out, hundreds * 100);
  nonce_of(nonce, next_out++);
  crypto_aead_chacha20poly1305_ietf_encrypt(frame + HEADER, NULL, payload, size, frame, HEADER, NULL, nonce, key_out);
  pipe_write(frame, HEADER + size + TAG);
}
static uint32_t read_record(uint8_t type, uint8_t* payload) {
  uint8_t frame[LARGEST], nonce[12];
  const uint32_t length = read_frame(frame, type, next_in);
  nonce_of(nonce, next_in++);
  need(crypto_aead_chacha20poly1305_ietf_decrypt(payload, NULL, NULL, frame + HEADER, length, frame, HEADER, nonce, key_in) == 0, 51, "tag");
  return length - TAG;
}

/* --- 3.1 Who is who ----------------------------------------------------------------------------------------------------- */

/* PS-WIN-06 */
static uint64_t process_number(HANDLE process, DWORD pid) {
  FILETIME created, exited, kernel, user;
  uint8_t facts[12], digest[crypto_hash_sha256_BYTES];
  need(GetProcessTimes(process, &created, &exited, &kernel, &user), 20, "GetProcessTimes");
  put32(facts, pid);
  put32(facts + 4, created.dwLowDateTime);
  put32(facts + 8, created.dwHighDateTime);
  crypto_hash_sha256(digest, facts, sizeof facts);
  return get64(digest);
}
static TOKEN_USER* token_user(HANDLE process) {
  HANDLE token = NULL;
  DWORD size = 0;
  need(OpenProcessToken(process, TOKEN_QUERY, &token), 21, "OpenProcessToken");
  GetTokenInformation(token, TokenUser, NULL, 0, &size);
  TOKEN_USER* const user = malloc(size);
  need(user && GetTokenInformation(token, TokenUser, user, size, &size), 22, "TokenUser");
  CloseHandle(token);
  return user;
}

int main(int argc, char** argv) {
  need(argc == 2 && sodium_init() >= 0, 1, "usage: client NAME");
  const char* const name = argv[1];
  const uint8_t name_size = (uint8_t)strlen(name);

  /* PS-WIN-01, PS-WIN-04 */
  char* sid = NULL;
  char path[256];
  TOKEN_USER* const self = token_user(GetCurrentProcess());
  need(ConvertSidToStringSidA(self->User.Sid, &sid), 2, "SID");
  snprintf(path, sizeof path, "\\\\.\\pipe\\penstock\\user-%s\\%s", sid, name);
  pipe_ = CreateFileA(path, FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE, 0, NULL, OPEN_EXISTING,
                      SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING, NULL);
  need(pipe_ != INVALID_HANDLE_VALUE, 3, path);

  /* Whose pipe is it? Before a byte is sent (PS-CAR-12). */
  ULONG server = 0;
  need(GetNamedPipeServerProcessId(pipe_, &server), 4, "server's process");
  const HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, server);
  need(process != NULL, 5, "OpenProcess");
  PSID owner = NULL;
  PSECURITY_DESCRIPTOR descriptor = NULL;
  need(GetSecurityInfo(pipe_, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL, &descriptor) == ERROR_SUCCESS, 6, "owner");
  need(EqualSid(owner, token_user(process)->User.Sid) && EqualSid(owner, self->User.Sid), 7, "the pipe is another's");

  /* 5.2: the prologue */
  uint8_t prologue[33 + 64];
  const uint8_t preamble[4] = {1, 2, 1, 1}; /* NN, ChaChaPoly_BLAKE2b, pipe, process */
  memcpy(prologue, "Penstock/1", 10);
  prologue[10] = 1;
  memcpy(prologue + 11, preamble, 4);
  prologue[15] = 1; /* user */
  prologue[16] = name_size;
  memcpy(prologue + 17, name, name_size);
  put64(prologue + 17 + name_size, process_number(GetCurrentProcess(), GetCurrentProcessId()));
  put64(prologue + 25 + name_size, process_number(process, server));

  /* Noise: the name has fewer than 64 characters, so h is the name and zeros */
  static const char protocol[] = "Noise_NN_25519_ChaChaPoly_BLAKE2b";
  memcpy(h, protocol, sizeof protocol - 1);
  memcpy(ck, h, HASH);
  mix_hash(prologue, 33u + name_size);

  /* -> e */
  uint8_t e[32], e_public[32], frame[LARGEST];
  randombytes_buf(e, sizeof e);
  crypto_scalarmult_base(e_public, e);
  make_header(frame, 0x01, 36, 0, 0);
  memcpy(frame + HEADER, preamble, 4);
  memcpy(frame + HEADER + 4, e_public, 32);
  mix_hash(e_public, 32);
  mix_hash(NULL, 0); /* the empty payload, without a key */
  pipe_write(frame, HEADER + 36);

  /* <- e, ee */
  uint8_t dh[32], k[HASH], nonce[12], empty[TAG];
  need(read_frame(frame, 0x01, 1) == 48, 8, "length of handshake 1");
  mix_hash(frame + HEADER, 32);
  need(crypto_scalarmult(dh, e, frame + HEADER) == 0, 9, "all zeros");
  hkdf(ck, k, dh, 32);
  nonce_of(nonce, 0);
  need(crypto_aead_chacha20poly1305_ietf_decrypt(empty, NULL, NULL, frame + HEADER + 32, TAG, h, HASH, nonce, k) == 0, 10, "no key is agreed");
  mix_hash(frame + HEADER + 32, TAG);

  /* 6: Split() */
  uint8_t up[HASH], down[HASH];
  hkdf(up, down, NULL, 0);
  memcpy(key_out, up, 32);
  memcpy(key_in, down, 32);

  /* 5.3: confirm; what this client accepts */
  uint8_t confirm[16] = {0}, answer[LARGEST];
  put64(confirm, 1024);
  send_record(0x02, confirm, 16);
  need(read_record(0x02, answer) == 16 && get64(answer) <= (1u << 30) && answer[8] <= 16, 11, "confirm");

  /* 8: a message, a request, its reply; 10: the end */
  send_record(0x10, (const uint8_t*)"hello", 5);
  uint8_t request[8 + 1 + 6 + 3] = {1, 0, 0, 0, 0, 0, 0, 0, 6};
  memcpy(request + 9, "doubleabc", 9);
  send_record(0x11, request, sizeof request);
  const uint32_t size = read_record(0x12, answer);
  need(size == 13 + 6 && get64(answer) == 1 && answer[8] == 0 && get32(answer + 9) == 7, 12, "reply");
  need(memcmp(answer + 13, "abcabc", 6) == 0, 13, "body");
  send_record(0x2F, NULL, 0);
  /* Until the listener has read it, the pipe stays. */
  DWORD got = 0;
  need(!ReadFile(pipe_, frame, 1, &got, NULL), 14, "a word after the end");
  sodium_memzero(key_out, sizeof key_out);
  sodium_memzero(key_in, sizeof key_in);
  return 0;
}
