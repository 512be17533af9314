// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as resolv.conf: what is taken from it is usable, halves give the same as the whole, what
// was taken is taken again when it is written down, and what --default-resolver edits is restored.

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "config/resolv_conf.h"
#include "config/resolv_conf_edit.h"
#include "input.h"

namespace {

using namespace dnslet;
using config::ResolvConf;

ResolvConf parse(const std::string& text) {
  const dns::Bytes exact(text.begin(), text.end());
  return config::parse_resolv_conf({reinterpret_cast<const char*>(exact.data()), exact.size()});
}

std::string written(const ResolvConf& conf) {
  std::string text = conf.use_vc ? "options use-vc\n" : "";
  for (const Endpoint& server : conf.nameservers) {
    const std::string scope = server.scope.empty() ? "" : "%" + server.scope;
    text += "nameserver " + server.address.to_text() + scope + "\n";
  }
  return text;
}

void check_servers(const ResolvConf& conf) {
  const Endpoint everywhere{IpAddress(), 53, ""};
  for (const Endpoint& server : conf.nameservers) {
    assert(server.port == 53);
    assert(server.scope.empty() || server.address.family == Family::V6);
    assert(server.scope.find_first_of(" \t\r\n") == std::string::npos);
    assert(config::is_own(server, std::span(&server, 1), {}));
    assert(!config::is_own(server, {}, std::span(&server.address, 1)));
    const bool is_v4 = server.address.family == Family::V4;
    const auto local = std::span(&server.address, 1);
    assert(config::is_own(server, std::span(&everywhere, 1), local) == is_v4);
  }
}

bool is_ours(const std::string& text) {
  return text.find("added by dnslet") != std::string::npos ||
         text.find("# dnslet: ") != std::string::npos ||
         text.find("#~ dnslet: ") != std::string::npos;
}

void check_halves(const std::string& text, std::size_t middle) {
  const std::size_t end = text.find('\n', std::min(middle, text.size()));
  if (end == std::string::npos) return;
  const ResolvConf whole = parse(text);
  ResolvConf parts = parse(text.substr(0, end));
  const ResolvConf rest = parse(text.substr(end + 1));
  std::ranges::copy(rest.nameservers, std::back_inserter(parts.nameservers));
  assert(parts.nameservers == whole.nameservers);
  assert(whole.use_vc == (parts.use_vc || rest.use_vc));
}

// What --default-resolver edits is restored, also when the edit stops in the
// middle: `stop` chooses where.
void check_restored(const std::string& text, std::size_t stop, config::ClientOptions options) {
  const std::string original = config::original_of(text);
  assert(config::original_of(original) == original || is_ours(original));
  if (is_ours(original)) return;
  const std::vector<std::string> servers(stop % 2 == 0 ? 1 : 2, "127.0.0.1");
  const std::string edited = config::with_entry(original, servers, options);
  assert(config::original_of(edited) == original);
  assert(config::entry_in(edited) == servers);

  const config::InPlaceEdit edit = config::plan_edit(text, edited);
  std::string file = text + edit.tail;
  assert(config::original_of(file) == original);
  assert(edit.head.size() <= file.size() && edit.size <= edit.head.size());
  constexpr std::size_t kPage = 4096;  // where a write can stop
  const std::size_t torn = stop % (edit.head.size() / kPage + 1) * kPage;
  file.replace(0, torn, edit.head, 0, torn);
  assert(config::original_of(file) == original);
  file.replace(0, edit.head.size(), edit.head);
  assert(config::original_of(file) == original);
  file.resize(edit.size);
  assert(file == edited);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t middle = input.byte();
  const std::string text = fuzz::text_of(input.rest());
  const ResolvConf conf = parse(text);
  check_servers(conf);
  check_restored(text, middle, config::ClientOptions::Keep);
  check_restored(text, middle, config::ClientOptions::Auto);

  const ResolvConf again = parse(written(conf));
  assert(again.nameservers == conf.nameservers && again.use_vc == conf.use_vc);
  if (is_ours(text)) return 0;
  check_halves(text, middle);
  return 0;
}
