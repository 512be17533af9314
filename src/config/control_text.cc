// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/control_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "io/local_socket.h"

namespace dnslet::config {
namespace {

constexpr std::array<std::string_view, 3> kCommands = {"dump-cache", "flush", "lists"};
constexpr std::string_view kForms = "dump-cache [NAME], flush [NAME] or lists";

}  // namespace

Result<ControlRequest> parse_control_request(std::string_view line) {
  const auto words = split_blanks(line);
  const auto* const command =
      words.empty() ? kCommands.end() : std::ranges::find(kCommands, words.front());
  if (command == kCommands.end()) return not_a(line, kForms);
  ControlRequest request = {static_cast<Command>(command - kCommands.begin()), {}};
  if (words.size() > (request.command == Command::Lists ? 1U : 2U)) return not_a(line, kForms);
  if (words.size() == 1) return request;
  auto names = parse_name_choice(words[1]);
  if (!names) return names.error();
  request.names = std::move(*names);
  return request;
}

std::string to_text(const ControlRequest& request) {
  std::string text(kCommands[static_cast<std::size_t>(request.command)]);
  if (!request.names.name) return text;
  const std::string name = request.names.name->view().to_text();
  const char* const before = request.names.has_below ? " *." : name.starts_with('*') ? " \\" : " ";
  return text + before + name;
}

Result<policy::NameChoice> parse_name_choice(std::string_view text) {
  if (text.empty()) return policy::NameChoice();
  text = trimmed(text);
  const bool has_below = text.starts_with("*.");
  auto name = dns::Name::from_text(has_below ? text.substr(2) : text);
  if (!name) return not_a(text, "a name, or *.NAME for it and all below it");
  return policy::NameChoice{std::move(name), has_below};
}

Result<std::string> parse_control_path(std::string_view text) {
  if (text.empty() || text.size() > io::LocalSocket::kMaxPath)
    return not_a(text, "a path of at most " + std::to_string(io::LocalSocket::kMaxPath) +
                           " bytes, for example /run/dnslet/control");
  return std::string(text);
}

}  // namespace dnslet::config
