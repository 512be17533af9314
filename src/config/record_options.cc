// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/record_options.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "config/option_values.h"
#include "dns/record_from_text.h"
#include "dns/text_fields.h"

namespace dnslet::config {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Where the first statement ends: at a line end, or at a `;` between blanks.
std::size_t statement_end(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') ++i;
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    const bool is_between = c == ';' && (i == 0 || is_blank(text[i - 1])) &&
                            (i + 1 == text.size() || is_blank(text[i + 1]));
    if (c == '\n' || is_between) return i;
  }
  return text.size();
}

}  // namespace

std::vector<std::string_view> split_statements(std::string_view text) {
  std::vector<std::string_view> statements;
  while (!text.empty()) {  // ends: takes a letter or more each turn
    const std::size_t end = statement_end(text);
    const std::string_view statement = trimmed(text.substr(0, end));
    if (!statement.empty()) statements.push_back(statement);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return statements;
}

Status add_records(std::string_view text, Options& options) {
  const auto statements = split_statements(text);
  if (statements.empty()) return not_a(text, "a record: write NAME [TTL] TYPE RDATA, or @PATH");
  for (const std::string_view statement : statements) {
    if (statement.starts_with('@')) {
      auto path = parse_path(statement.substr(1));
      if (!path) return not_a(statement, "a file of records: write @PATH");
      options.record_files.push_back(std::move(*path));
      continue;
    }
    auto record = dns::record_from_text(statement);
    if (!record) return Error{in_quotes(statement) + ": " + record.error().text};
    options.records.push_back(std::move(*record));
  }
  return Done();
}

std::string_view record_line(std::string_view line) {
  std::string_view rest = line;
  for (std::string_view word = dns::next_word(rest); !word.empty(); word = dns::next_word(rest))
    if (word.starts_with('#')) {
      line = line.substr(0, static_cast<std::size_t>(word.data() - line.data()));
      break;
    }
  return trimmed(line);
}

}  // namespace dnslet::config
