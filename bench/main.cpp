// Runs every contender in turn, several rounds, and writes one line of CSV for each number. scripts/bench reads it.
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "bench/ciphers.hpp"
#include "bench/measure.hpp"

namespace penstock::bench {
namespace {

struct Settings {
  std::string csv = "bench.csv";
  std::string only;
  std::string measures;
  std::size_t size = 0;
  unsigned rounds = 5;
  unsigned idle = 1000;
  double scale = 1.0;
  std::vector<unsigned> cores = {0, 1};
};

struct Size {
  std::size_t bytes;
  std::uint64_t round_trips;  ///< about a quarter of a second of them
  std::uint64_t messages;
};
constexpr std::array<Size, 5> sizes{{{64, 10'000, 400'000},
                                     {1024, 10'000, 200'000},
                                     {16384, 6'000, 40'000},
                                     {65536, 3'000, 12'000},
                                     {1u << 20, 400, 1'000}}};
constexpr std::uint64_t set_up_count = 600;
constexpr unsigned deadline_seconds = 120;

// A private directory that goes with its contents.
class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) fail("no directory can be made in " + pattern);
    path_ = pattern;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Run {
 public:
  explicit Run(Settings settings) : settings_(std::move(settings)), csv_(settings_.csv) {
    if (!csv_) fail("cannot write " + settings_.csv);
    csv_ << "round,measure,size,contender,metric,value\n";
    csv_.precision(9);
  }

  void all() {
    const auto started = std::chrono::steady_clock::now();
    for (round_ = 1; round_ <= settings_.rounds; ++round_) {
      one_round();
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - started;
      std::fprintf(stderr, "round %u of %u done, %.0f s\n", round_, settings_.rounds, passed.count());
    }
    if (numbers_ == 0) fail("nothing was measured: --only, --measures and --size leave nothing over");
    csv_.flush();
    if (!csv_) fail("writing " + settings_.csv + " failed: is the disk full?");
  }

 private:
  // All contenders take their turn at one thing before the next thing is measured, so that a ratio compares two numbers
  // that were taken a second apart. Every other round goes backwards: whoever is first gains nothing by it.
  void one_round() {
    for (const auto& size : sizes) {
      if (settings_.size != 0 && settings_.size != size.bytes) continue;
      for_each("rtt", &Events::round_trip, [&](const Contender& contender) {
        if (size.bytes > contender.largest) return;
        measure(contender, "rtt", size.bytes, scaled(size.round_trips, contender), round_trips);
      });
      for_each("oneway", &Events::one_way, [&](const Contender& contender) {
        if (size.bytes > contender.largest) return;
        measure(contender, "oneway", size.bytes, scaled(size.messages, contender), one_way);
      });
      if (size.bytes == sizes.back().bytes) ciphers();
    }
    for (const std::size_t size : {std::size_t{1} << 20, std::size_t{64} << 20}) {
      for_each("handover", &Events::hand_over, [&](const Contender& contender) {
        // In records 64 MiB would only be 64 times 1 MiB.
        if (size > sizes.back().bytes && !contender.name.starts_with("penstock-buffer")) return;
        measure(contender, "handover", size, scaled(400, contender), hand_overs);
      });
    }
    for_each("setup", &Events::set_up, [&](const Contender& contender) {
      measure(contender, "setup", 0, scaled(set_up_count, contender), set_ups);
    });
    for (const std::size_t channels : {std::size_t{1}, std::size_t{10}, std::size_t{100}, std::size_t{1000}}) {
      for_each("many", &Events::many, [&](const Contender& contender) {
        measure(contender, "many", channels, scaled(300, contender), many_channels);
      });
    }
    // A minute each: once is enough, and it has no noise to average.
    for_each("idle", &Events::stays, [&](const Contender& contender) {
      if (round_ == 1) measure(contender, "idle", 100, std::max<std::uint64_t>(scaled(60, contender), 1), staying_idle);
    });
    for_each("memory", &Events::memory,
             [&](const Contender& contender) { measure(contender, "memory", 0, settings_.idle, idle_memory); });
  }

  template <class Body>
  void for_each(const char* what, bool Events::* takes_part, const Body& body) {
    if (!listed(settings_.measures, what)) return;
    auto turn = contenders_;
    if (round_ % 2 == 0) std::reverse(turn.begin(), turn.end());
    for (const auto& contender : turn) {
      if (contender.events.*takes_part && listed(settings_.only, contender.name)) body(contender);
    }
  }

  // A list of names between commas; nothing means everybody.
  [[nodiscard]] static bool listed(const std::string& list, const std::string& name) {
    return list.empty() || ("," + list + ",").find("," + name + ",") != std::string::npos;
  }

  [[nodiscard]] std::uint64_t scaled(std::uint64_t count, const Contender& contender) const {
    const auto wanted = static_cast<double>(count) * settings_.scale / contender.slowness;
    return std::max<std::uint64_t>(static_cast<std::uint64_t>(wanted), 20);
  }

  void ciphers() {
    const auto last = sizes.back();
    const auto count = static_cast<std::uint64_t>(static_cast<double>(last.messages) * settings_.scale) + 20;
    const auto alone = [&](const char* name, Report (*seal)(std::size_t, std::uint64_t)) {
      if (!listed(settings_.only, name) || !listed(settings_.measures, "seal")) return;
      auto child = Child::start(name, settings_.cores[1], deadline_seconds,
                                [&](const Parent&) { return seal(last.bytes, count); });
      write(name, "seal", last.bytes, child.finish(), Report());
    };
    alone("libsodium-seal", seal_with_libsodium);
    alone("openssl-seal", seal_with_openssl);
  }

  void measure(const Contender& contender, const char* what, std::size_t size, std::uint64_t count, const Ends& ends) {
    const Directory directory;
    const Plan plan{size, count, directory.path()};
    const auto title = contender.name + ", " + what + ", " + std::to_string(size) + " bytes, ";
    // Each end in a process of its own, so that no library's threads or memory meet another's.
    if (contender.prepare) {
      Child::start(title + "preparing", settings_.cores[0], deadline_seconds, [&](const Parent&) {
        contender.prepare(plan.directory);
        return Report();
      }).finish();
    }
    auto server = Child::start(title + "server", settings_.cores[0], deadline_seconds,
                               [&](const Parent& parent) { return ends.serve(contender, plan, parent); });
    server.wait_ready();
    auto client = Child::start(title + "client", settings_.cores[1], deadline_seconds,
                               [&](const Parent&) { return ends.drive(contender, plan); });
    const auto driven = finish(client, server);
    write(contender.name, what, size, driven, server.finish());
  }

  // When one end fails so does the other, and the first cause may be either's: both sentences are shown.
  static Report finish(Child& client, Child& server) {
    try {
      return client.finish();
    } catch (const std::exception& error) {
      const auto other = server.failure();
      fail(other.empty() ? error.what() : std::string(error.what()) + "\n  and " + other);
    }
  }

  void write(const std::string& contender, const char* what, std::size_t size, const Report& client,
             const Report& server) {
    const auto line = [&](const char* metric, double value) {
      csv_ << round_ << ',' << what << ',' << size << ',' << contender << ',' << metric << ',' << value << '\n';
      ++numbers_;
    };
    if (server.memory != 0 || server.operations != 0) line("bytes_per_connection", server.memory);
    if (client.idle_share >= 0) line("core_percent_client", client.idle_share * 100);
    if (server.idle_share >= 0) line("core_percent_server", server.idle_share * 100);
    if (client.operations == 0) return;
    if (client.p50 > 0) line("p50_us", client.p50 * 1e6);
    if (client.p99 > 0) line("p99_us", client.p99 * 1e6);
    line("per_second", client.operations / client.seconds);
    if (client.bytes > 0) line("gigabytes_per_second", client.bytes / client.seconds * 1e-9);
    if (client.cpu + server.cpu == 0) return;
    line("cpu_us_client", client.cpu / client.operations * 1e6);
    line("cpu_us_server", server.cpu / client.operations * 1e6);
  }

  Settings settings_;
  std::ofstream csv_;
  std::vector<Contender> contenders_ = all_contenders();
  unsigned round_ = 0;
  std::uint64_t numbers_ = 0;
};

void list_contenders() {
  for (const auto& contender : all_contenders())
    std::printf("%s\t%s\n", contender.name.c_str(), contender.what.c_str());
  std::printf("libsodium-seal\tAES-256-GCM by libsodium alone, one core: the ceiling\n");
  std::printf("openssl-seal\tAES-256-GCM by OpenSSL alone, one core\n");
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  using namespace penstock::bench;
  CLI::App app("Compares Penstock with other ways for two processes of one machine to talk. scripts/bench runs it.");
  Settings settings;
  bool list = false;
  app.add_option("--csv", settings.csv, "where the numbers go")->capture_default_str();
  app.add_option("--rounds", settings.rounds, "rounds over all contenders")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--scale", settings.scale, "multiplies how often things are repeated")
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  app.add_option("--idle", settings.idle, "idle connections of the memory measurement")
      ->check(CLI::Range(10, 10'000))
      ->capture_default_str();
  app.add_option("--cores", settings.cores, "the server's core and the client's")->expected(2)->capture_default_str();
  app.add_option("--only", settings.only, "only these contenders, between commas");
  app.add_option("--measures", settings.measures, "only these of rtt,oneway,seal,handover,setup,many,idle,memory");
  app.add_option("--size", settings.size, "only messages of this size, in bytes");
  app.add_flag("--list", list, "names the contenders, and ends");
  CLI11_PARSE(app, argc, argv);
  try {
    if (list) {
      list_contenders();
      return 0;
    }
    Run(settings).all();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "penstock_bench: %s\n", error.what());
    return 1;
  }
}
