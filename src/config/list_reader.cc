// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_reader.h"

#include <algorithm>
#include <utility>

#include "base/sort.h"
#include "base/text.h"

namespace dnslet::config {
namespace {

using policy::ListEntry, policy::ListLine;

std::string beside(const std::string& path, const std::string& name) {
  return path.substr(0, path.rfind('/') + 1) + name;  // without a slash: all of it is the name
}

void count(const ListLine& line, std::size_t number, ListReader::Report& report) {
  if (line.fault == ListLine::Fault::Unreadable) report.unreadable.add(number);
  if (line.fault == ListLine::Fault::LeftOut) report.left_out.add(number);
}

}  // namespace

Status ListReader::read(const std::string& path, const std::vector<std::string>& wanted) {
  visited_.clear();
  return read(Visit{path, wanted, 0});
}

Status ListReader::read(const Visit& visit) {
  if (!visited_.insert({visit.path, visit.wanted}).second) return Done();
  const auto file = callbacks_.open(visit.path, visit.includer);
  if (!file) return file.error();
  if (!*file) return Done();
  return read_lines(visit, **file);
}

Status ListReader::read_lines(const Visit& visit, const io::TextFile& file) {
  const bool is_known = std::ranges::any_of(
      reports_, [&](const Report& report) { return report.path == visit.path; });
  // A line that is but a name has no attributes.
  const bool has_plain = visit.wanted.empty() && callbacks_.take_plain;
  Report report{visit.path, {}, {}};
  Status trouble = Done();
  ListLine line;
  std::size_t number = 0;
  const Status status = file.for_each_line(
      [&](std::string_view text) {
        ++number;
        if (has_plain && callbacks_.take_plain(text)) return;
        if (text.size() > io::TextFile::kMaxLine) return report.unreadable.add(number);
        line.parse(text);
        count(line, number, report);
        if (!line.included.empty()) {
          if (visit.depth >= kMaxDepth || visited_.size() > kMaxIncluded ||
              line.included.find('/') != std::string::npos)
            return report.unreadable.add(number);
          if (Status inner = include(visit, line, number); !inner && trouble) trouble = inner;
        } else if (line.has_attributes(visit.wanted)) {
          for (const ListEntry& entry : line.entries)
            callbacks_.on_entry(entry, {visit.path, number, text});
        }
      },
      stop_);
  if (!is_known) reports_.push_back(std::move(report));
  return status ? trouble : status;
}

// What is wanted of a file is wanted of those that it includes.
Status ListReader::include(const Visit& visit, const ListLine& line, std::size_t number) {
  Visit inner{beside(visit.path, line.included), visit.wanted, visit.depth + 1,
              in_quotes(visit.path) + ", line " + std::to_string(number)};
  inner.wanted.insert(inner.wanted.end(), line.attributes.begin(), line.attributes.end());
  sort_now_and_then(inner.wanted);
  inner.wanted.erase(std::unique(inner.wanted.begin(), inner.wanted.end()), inner.wanted.end());
  return read(inner);
}

}  // namespace dnslet::config
