// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/help.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/version.h"
#include "config/option_table.h"
#include "config/options.h"
#include "io/libraries.h"
#include "io/tls.h"

namespace dnslet::config {
namespace {

constexpr std::size_t kSecondColumn = 38;
constexpr std::string_view kIndent = "        ";

// The options of HelpRows::UsedMost that have a variable; of those without, it shows all that need
// no other option.
constexpr auto kUsedMost = std::to_array<std::string_view>(
    {"listen", "allow", "default-resolver", "nameservers", "stubzones", "hostsfile", "address",
     "blocklist", "rule", "enable-search", "search-domains", "rcache", "verbose", "metrics"});

bool is_shown(const OptionRow& row, HelpRows rows) {
  return rows == HelpRows::All || (is_action(row) && row.needs.empty()) ||
         std::ranges::count(kUsedMost, row.flag) > 0;
}

std::string left_column(const OptionRow& row) {
  if (row.flag.empty()) return "      ";
  std::string text = row.letter ? std::string("  -") + row.letter + ", " : "      ";
  text += "--" + std::string(row.flag);
  if (!row.placeholder.empty()) text += ' ' + std::string(row.placeholder);
  return text;
}

// The variable; of an option without a flag with what it holds.
std::string variable_column(const OptionRow& row) {
  return std::string(row.variable) + (row.flag.empty() ? '=' + std::string(row.placeholder) : "");
}

std::string explanation(const OptionRow& row) {
  std::string text(row.help);
  if (!is_switch(row) && !row.default_value.empty())
    text += " [" + std::string(row.default_value) + "]";
  return text;
}

std::string option_lines(const OptionRow& row) {
  std::string text = left_column(row);
  text.resize(std::max(kSecondColumn, text.size() + 1), ' ');
  if (row.variable.empty()) return text + explanation(row) + "\n";
  return text + variable_column(row) + "\n" + std::string(kIndent) + explanation(row) + "\n";
}

}  // namespace

std::string help_text(HelpRows rows) {
  std::string text =
      "Usage: dnslet [FLAG]...\n"
      "Caching DNS forwarder with a hosts file, see dnslet(8). A flag wins over the\n"
      "variable beside it, the variable over resolv.conf and the default in brackets.\n";
  if (rows == HelpRows::UsedMost) text += "The options used most; --help-all prints all of them.\n";
  std::string_view group;
  for (const OptionRow& row : option_table()) {
    if (!is_shown(row, rows)) continue;
    if (row.group != group) text += "\n" + std::string(row.group) + ":\n";
    group = row.group;
    text += option_lines(row);
  }
  return text;
}

std::string version_text() {
  return std::string(io::has_tls() ? "dnslet " : "dnslet-min ") + version() + " (" +
         io::library_versions() + ")\n";
}

}  // namespace dnslet::config
