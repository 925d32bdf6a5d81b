// penstock keygen
#include <fmt/format.h>

#include "penstock/keys.hpp"
#include "tool/command.hpp"
#include "tool/input_file.hpp"

namespace penstock::tool {
namespace {

struct Words {
  std::string out = "penstock.key";
};

int run(const Words& words) {
  const auto keys = StaticKeys::generate();
  if (!keys) return complain(keys.error());
  // The public half first: a private key that nobody can name would be of no use, the other way round does no harm.
  const auto public_file = words.out + ".pub";
  if (auto saved = keys->public_key().save(public_file); !saved) return complain(saved.error());
  if (auto saved = keys->save(words.out); !saved) {
    remove_own_file(public_file);  // made a moment ago by us
    return complain(saved.error());
  }
  remark(fmt::format("{} is the private key, keep it; {} is for the other side's policy", words.out, public_file));
  return answer(keys->public_key().to_hex() + '\n');
}

}  // namespace

void add_keygen(CLI::App& app, Chosen& chosen) {
  auto* command =
      add_command(app, "keygen", group_setup, "Make a key pair, for rules with trust = \"static-key\"", "[--out FILE]",
                  "Writes FILE (0600) and FILE.pub, prints the public key, and never overwrites a file.\n"
                  "Example:\n  penstock keygen --out ~/.config/notes.key\n");
  auto words = std::make_shared<Words>();
  command->add_option("--out", words->out, "The private key's file; penstock.key where it is not given")
      ->type_name("FILE");
  command->callback([&chosen, words] { chosen.action = [words] { return run(*words); }; });
}

}  // namespace penstock::tool
