"""Two users of one machine: root serves, others connect. And the same without root."""
import json
import os
import subprocess
import unittest

from support import DAEMON, NOBODY, Case, as_user, await_event, needs_root, policy, rule


class Users(Case):
    def machine(self, rules):
        return ["--scope", "machine", "--policy", self.file("server.toml", policy(*rules))]

    def client(self, server_uid, **more):
        return ["--scope", "machine", "--policy", self.file("client.toml", policy(rule("server", [server_uid], operations=["message"])))]

    @needs_root
    def test_root_serves_nobody_and_knows_it(self):
        with self.serving("sh", "-c", "echo $PENSTOCK_PEER_UID $PENSTOCK_PEER_RULE $PENSTOCK_PEER_EXECUTABLE; id -u",
                          options=self.machine([rule("app", [NOBODY], executable=self.tool)])):
            done = self.connect(*self.client(0), user=NOBODY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode().split(), [str(NOBODY), "app", self.tool, "0"])

    @needs_root
    def test_another_user_is_refused_and_it_is_recorded(self):
        audit = self.here / "audit"
        with self.serving("cat", options=[*self.machine([rule("app", [NOBODY])]), "--audit", audit]) as server:
            self.refused(self.connect(*self.client(0), user=DAEMON, stdin=b"let me in"), 6, "audit log")
            event = await_event(lambda: server.poll() is None, audit, lambda e: e["kind"] == "peer_refused")
            self.assertEqual((event["reason"], event["peer"]["uid"]), ("peer_refused", DAEMON))
            self.assertEqual(self.connect(*self.client(0), user=NOBODY, stdin=b"me").stdout, b"me")

    @needs_root
    def test_client_refuses_a_server_of_the_wrong_user(self):
        os.chown(self.names, NOBODY, NOBODY)
        with self.serving("cat", user=NOBODY, options=self.machine([rule("any")])):
            self.refused(self.connect(*self.client(NOBODY)[:2], "--policy",
                                      self.file("c.toml", policy(rule("root", [0]))), user=NOBODY), 4, "user 65534")

    @needs_root
    def test_scope_user_keeps_users_apart_whatever_policy_says(self):
        anyone = self.file("any.toml", policy(rule("anyone")))
        with self.serving("cat", options=["--policy", anyone]):
            (self.names / "x.sock").chmod(0o666)
            self.refused(self.connect("--policy", anyone, user=NOBODY), 4, "scope")

    @needs_root
    def test_without_root(self):
        os.chown(self.names, NOBODY, NOBODY)
        with self.serving("sh", "-c", "id -u; cat", user=NOBODY) as server:
            done = self.connect(user=NOBODY, stdin=b"hello")
            self.assertIn("only processes of user 65534", server.log())
        self.assertEqual((done.returncode, done.stdout), (0, b"65534\nhello"), done.stderr)

    def test_keys_on_both_sides(self):
        me = os.geteuid()
        public = {}
        for side in ("server", "client", "stranger"):
            public[side] = self.run_tool("keygen", "--out", self.here / f"{side}.key").stdout.decode().strip()
        keyed = lambda who: policy(rule("keyed", [me], trust="static-key", public_keys=[public[who]]))
        server = ["--policy", self.file("s.toml", keyed("client")), "--keys", self.here / "server.key"]
        client = ["--policy", self.file("c.toml", keyed("server"))]
        with self.serving("sh", "-c", "echo $PENSTOCK_PEER_KEY $PENSTOCK_PEER_TRUST", options=server):
            done = self.connect(*client, "--keys", self.here / "client.key")
            self.assertEqual(done.stdout.decode().split(), [public["client"], "static-key"], done.stderr)
            self.refused(self.connect(*client, "--keys", self.here / "stranger.key"), 6)
            # A connection without keys is not tried again with less.
            self.refused(self.connect(), 6)

    @needs_root
    def test_explain_says_what_serve_does(self):
        path = self.file("server.toml", policy(rule("app", [NOBODY])))
        with self.serving("cat", options=["--scope", "machine", "--policy", path]):
            peer = subprocess.Popen(as_user(NOBODY, [self.tool, "connect", "x", "--directory", str(self.names), *self.client(0)]),
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            peer.stdin.write(b"x")
            peer.stdin.flush()
            self.assertEqual(peer.stdout.read(1), b"x")
            done = self.run_tool("policy", "explain", "--json", path, "--pid", peer.pid)
            peer.communicate()
        self.assertEqual(json.loads(done.stdout)["rule"], "app")


if __name__ == "__main__":
    unittest.main()
