// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/record_files.h"

#include <utility>

#include "base/text.h"
#include "config/lines.h"
#include "config/record_options.h"
#include "policy/tables.h"

namespace dnslet::config {
namespace {

// Returns how many. Fails at the first bad line, with its place.
Result<std::size_t> add_lines(const std::string& path, std::string_view text,
                              policy::Records& table) {
  text = without_mark(text);
  std::size_t number = 0;
  std::size_t records = 0;
  for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
    ++number;
    const std::string_view statement = record_line(line);
    if (statement.empty()) continue;
    const auto record = dns::record_from_text(statement);
    const Status status = record ? table.add(*record, policy::kStaticTtl) : record.error();
    if (!status)
      return Error{escaped(path) + ", line " + std::to_string(number) + ": " + status.error().text};
    ++records;
  }
  return records;
}

}  // namespace

RecordFiles::RecordFiles(const Options& options, uint64_t seed, io::Log& log)
    : options_(options), seed_(seed), log_(log) {}

Result<RecordFiles::Table> RecordFiles::read(const StopFlag& stop) {
  watch_.mark(io::stamps_of(options_.record_files));
  LoadedFiles loaded;
  const auto table = std::make_shared<policy::Records>(seed_);
  for (const dns::WrittenRecord& record : options_.records)
    if (const Status status = table->add(record, policy::kStaticTtl); !status)
      return status.error();
  if (!options_.records.empty()) loaded.add("record", "", options_.records.size());
  for (const std::string& path : options_.record_files) {
    const auto text = io::read_file(path, kMaxFile, stop);
    if (!text) return text.error();
    const auto records = add_lines(path, *text, *table);
    if (!records) return records.error();
    loaded.add("record", path, *records);
  }
  for (const StaticRecord& record : options_.addresses)
    if (const Status status = table->check_beside(record.name); !status) return status.error();
  if (const Status status = table->check_aliases(); !status) return status.error();
  loaded_ = keep(std::move(loaded));
  return table->empty() ? Table() : Table(table);
}

Status RecordFiles::load() {
  auto table = read(kNeverStopped);
  if (!table) return Error{"--record (DNSMASQ_RECORD): " + table.error().text};
  table_ = std::move(*table);
  return Done();
}

void RecordFiles::reload(const StopFlag& stop) {
  if (!has_files()) return;
  auto table = read(stop);
  if (is_set(stop)) return;
  if (!table) {
    log_.write(io::Level::Warning, table.error().text + "; the records before stay");
    return;
  }
  table_ = std::move(*table);
  log_.write(io::Level::Info, io::LogLine("records read")
                                  .with("files", options_.record_files.size())
                                  .with("names", table_ ? table_->owners() : 0));
}

bool RecordFiles::has_changed() {
  return has_files() && watch_.has_changed(io::stamps_of(options_.record_files));
}

std::vector<std::string> RecordFiles::unreadable() const {
  return io::unreadable(options_.record_files);
}

}  // namespace dnslet::config
