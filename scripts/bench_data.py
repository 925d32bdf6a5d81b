"""Reads the CSV of penstock_bench: medians over rounds, and ratios taken pair by pair within a round."""
import collections
import csv
import statistics

SIZES = [64, 1024, 16384, 65536, 1 << 20]
CHANNELS = [1, 10, 100, 1000]
SIZE_NAMES = {64: "64 B", 1024: "1 KiB", 16384: "16 KiB", 65536: "64 KiB", 1 << 20: "1 MiB"}

# In the order of tables and plots: name in the CSV, name for people.
NAMES = {
    "raw": "raw Unix socket",
    "raw-batched": "raw, 64 KiB writes",
    "raw-memory": "raw shared memory, spinning",
    "raw-futex": "raw shared memory, futex",
    "boost-queue": "Boost message_queue",
    "penstock-shm-spin": "Penstock AES, memory, spinning",
    "penstock-shm-adaptive": "Penstock AES, memory, adaptive",
    "penstock-shm": "Penstock AES, memory, blocking",
    "penstock-shm-asio": "Penstock AES, memory, Asio",
    "penstock-buffer": "Penstock, sealed buffer",
    "penstock-buffer-adaptive": "Penstock, sealed buffer, adaptive",
    "penstock": "Penstock AES",
    "penstock-chacha": "Penstock ChaCha",
    "penstock-latency": "Penstock AES, latency profile",
    "penstock-call": "Penstock AES, call and reply",
    "penstock-asio": "Penstock AES, Asio",
    "penstock-asio-chacha": "Penstock ChaCha, Asio",
    "penstock-nn": "Penstock NN",
    "penstock-xx": "Penstock XX",
    "tls13": "TLS 1.3 mutual",
    "zmq-curve": "ZeroMQ CURVE",
    "grpc-local": "gRPC local",
    "libsodium-seal": "libsodium seal alone",
    "openssl-seal": "OpenSSL seal alone",
}


class Results:
    def __init__(self, path):
        self.rounds = set()
        self._values = collections.defaultdict(dict)  # (measure, size, contender, metric) -> {round: value}
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = (row["measure"], int(row["size"]), row["contender"], row["metric"])
                self._values[key][int(row["round"])] = float(row["value"])
                self.rounds.add(int(row["round"]))

    def median(self, measure, size, contender, metric):
        """None where it was not measured."""
        values = self._values.get((measure, size, contender, metric))
        return statistics.median(values.values()) if values else None

    def ratio(self, ours, theirs):
        """Each an argument list of median(): the median of the ratios of the rounds in which both were measured."""
        left, right = self._values.get(ours, {}), self._values.get(theirs, {})
        ratios = [left[r] / right[r] for r in left if right.get(r)]
        return statistics.median(ratios) if ratios else None

    def contenders(self, measure):
        present = {key[2] for key in self._values if key[0] == measure}
        return [name for name in NAMES if name in present]
