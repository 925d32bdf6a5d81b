// The other end of noise_interop_test.cpp: github.com/flynn/noise, an independent implementation.
//
// Usage: peer ROLE PATTERN SUITE COUNT, with a connected stream socket as descriptor 3.
// Every message is a 4-byte big-endian length and that many bytes. After the handshake the two ends play COUNT rounds:
// the initiator sends message i, the responder answers with message i; every 1,000 rounds both rekey both directions.
// Then the responder sends its handshake hash. Exit code 0: every byte was as expected.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/flynn/noise"
)

var wire = os.NewFile(3, "socket")

func check(err error, what string) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", what+":", err)
		os.Exit(1)
	}
}

func require(right bool, what string) {
	if !right {
		check(io.ErrUnexpectedEOF, what)
	}
}

func send(message []byte) {
	frame := make([]byte, 4, 4+len(message))
	binary.BigEndian.PutUint32(frame, uint32(len(message)))
	_, err := wire.Write(append(frame, message...))
	check(err, "send")
}

func receive() []byte {
	var length [4]byte
	_, err := io.ReadFull(wire, length[:])
	check(err, "receive length")
	message := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err = io.ReadFull(wire, message)
	check(err, "receive")
	return message
}

// Message i of one direction: its length and bytes follow from i alone, so both ends know them.
func payload(i int, direction byte) []byte {
	message := make([]byte, (i*37)%1500)
	for j := range message {
		message[j] = byte(i*7+j) ^ direction
	}
	return message
}

func config(pattern, suite string, initiator bool) noise.Config {
	patterns := map[string]noise.HandshakePattern{"XX": noise.HandshakeXX, "NN": noise.HandshakeNN}
	suites := map[string]noise.CipherSuite{
		"25519_AESGCM_SHA256":      noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256),
		"25519_ChaChaPoly_BLAKE2b": noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashBLAKE2b),
	}
	base := strings.TrimSuffix(pattern, "psk0")
	made := noise.Config{
		CipherSuite: suites[suite], Random: rand.Reader, Pattern: patterns[base], Initiator: initiator,
		Prologue: []byte("interop"),
	}
	if base != pattern {
		made.PresharedKey = bytes.Repeat([]byte{0x5a}, 32)
	}
	if base == "XX" {
		keys, err := noise.DH25519.GenerateKeypair(rand.Reader)
		check(err, "keys")
		made.StaticKeypair = keys
	}
	return made
}

// Each handshake message's payload is the sender's static public key, or empty.
func handshake(state *noise.HandshakeState, made noise.Config) (first, second *noise.CipherState) {
	var told []byte
	for writes := made.Initiator; first == nil; writes = !writes {
		var err error
		if writes {
			var message []byte
			message, first, second, err = state.WriteMessage(nil, made.StaticKeypair.Public)
			check(err, "write")
			send(message)
			continue
		}
		told, first, second, err = state.ReadMessage(nil, receive())
		check(err, "read")
	}
	require(bytes.Equal(told, state.PeerStatic()), "the peer's static key")
	return first, second
}

func main() {
	initiator := os.Args[1] == "initiator"
	count, err := strconv.Atoi(os.Args[4])
	check(err, "count")
	made := config(os.Args[2], os.Args[3], initiator)
	state, err := noise.NewHandshakeState(made)
	check(err, "handshake state")
	sending, receiving := handshake(state, made)
	ours, theirs := byte('i'), byte('r')
	if !initiator {
		sending, receiving = receiving, sending
		ours, theirs = theirs, ours
	}

	say := func(message []byte) {
		sealed, err := sending.Encrypt(nil, nil, message)
		check(err, "encrypt")
		send(sealed)
	}
	expect := func(message []byte) {
		opened, err := receiving.Decrypt(nil, nil, receive())
		check(err, "decrypt")
		require(bytes.Equal(opened, message), "another message than was sent")
	}
	for i := 0; i < count; i++ {
		if i%1000 == 999 {
			sending.Rekey()
			receiving.Rekey()
		}
		if initiator {
			say(payload(i, ours))
			expect(payload(i, theirs))
		} else {
			expect(payload(i, theirs))
			say(payload(i, ours))
		}
	}
	if initiator {
		expect(state.ChannelBinding())
	} else {
		say(state.ChannelBinding())
	}
}
