// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/start_line.h"

#include <algorithm>

#include <string>
#include <string_view>

#include "base/text.h"
#include "base/version.h"
#include "io/libraries.h"

namespace dnslet::config {
namespace {

// "3 stub zones"; "1 stub zone".
std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

std::string cache_text(const Options& options) {
  if (options.cache_capacity == 0) return "off, see --rcache";
  return counted(options.cache_capacity, "answer");
}

std::string search_text(const Options& options, const policy::SearchRules& search) {
  constexpr std::size_t kMaxShown = 8;
  if (!options.enable_search) return "off";
  if (options.no_recursion) return "off, since --no-rec asks nobody";
  if (search.domains.empty()) return "on, without a domain";
  std::string text;
  for (std::size_t i = 0; i < search.domains.size() && i < kMaxShown; ++i)
    text += search.domains[i].view().to_text() + ' ';
  if (search.domains.size() > kMaxShown)
    text += "and " + std::to_string(search.domains.size() - kMaxShown) + " more ";
  return text + "ndots:" + std::to_string(search.ndots);
}

std::string rules_text(const Options& options) {
  std::string text;
  const auto add = [&](bool holds, const std::string& rule) {
    if (holds) add_item(text, rule);
  };
  add(!options.allow.empty(), "clients of " + counted(options.allow.size(), "network"));
  add(!options.block.empty(), counted(options.block.size(), "domain") + " blocked");
  add(!options.blocklists.empty(), counted(options.blocklists.size(), "blocklist"));
  const auto is_file = [](const RuleSource& source) { return !source.path.empty(); };
  const auto files = static_cast<std::size_t>(std::ranges::count_if(options.rules, is_file));
  add(options.rules.size() > files, counted(options.rules.size() - files, "rule"));
  add(files > 0, counted(files, "file") + " of rules");
  add(options.filter == policy::Filter::A, "no A");
  add(options.filter == policy::Filter::Aaaa, "no AAAA");
  add(options.rebind_guard, "rebind guard");
  add(options.reverse_mapping, "reverse mapping");
  std::size_t zones = 0;
  for (const auto& [servers, domains] : options.stub_zones) zones += domains.size();
  add(zones > 0, counted(zones, "stub zone"));
  add(options.no_recursion, "nothing forwarded");
  return text.empty() ? "none" : text;
}

}  // namespace

io::LogLine start_line(const Options& options, const policy::SearchRules& search) {
  io::LogLine line(std::string("dnslet ") + version());
  line.with("libraries", io::library_versions());
  line.with("cache", cache_text(options));
  line.with("search", search_text(options, search));
  line.with("rules", rules_text(options));
  return line;
}

}  // namespace dnslet::config
