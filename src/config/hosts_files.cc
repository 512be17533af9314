// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/hosts_files.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace dnslet::config {

HostsFiles::HostsFiles(std::vector<std::string> paths, uint64_t seed, io::Log& log)
    : seed_(seed), log_(log), table_(std::make_shared<policy::HostsTable>(seed)) {
  for (std::string& path : paths) listings_.push_back({std::move(path), {}});
}

Status HostsFiles::read(OnTrouble on_trouble, const StopFlag& stop) {
  auto table = std::make_shared<policy::HostsTable>(seed_);
  Reading reading{on_trouble, stop, *table};
  std::vector<Source> sources;
  LoadedFiles loaded;
  for (Source& listing : listings_) {
    listing.stamp = io::stamp_of(listing.path);
    const std::vector<std::string> before = sources_below(listing.path);
    const auto expanded = io::files_of(listing.path, before);
    if (!expanded && on_trouble == OnTrouble::Fail) return expanded.error();
    if (!expanded) log_.write(io::Level::Warning, expanded.error().text + "; its entries stay");
    reading.is_told = !expanded;
    for (const std::string& file : expanded ? *expanded : before) {
      sources.push_back({file, io::stamp_of(file)});
      const std::size_t entries = table->entries();
      if (Status status = read_source(file, reading); !status) return status;
      if (is_set(stop)) return Done();
      loaded.add("hostsfile", file, table->entries() - entries);
    }
  }
  table->finish();
  sources_ = std::move(sources);
  table_ = std::move(table);
  loaded_ = keep(std::move(loaded));
  if (!listings_.empty())
    log_.write(io::Level::Info, io::LogLine("hosts files read")
                                    .with("files", sources_.size())
                                    .with("entries", table_->entries()));
  return Done();
}

Status HostsFiles::read_source(const std::string& path, const Reading& reading) {
  const auto text = io::read_file(path, kMaxFile, reading.stop);
  if (is_set(reading.stop)) return Done();
  if (text) {
    report(path, reading.table.add_text(*text, reading.stop));
    return Done();
  }
  if (reading.on_trouble == OnTrouble::Fail) return text.error();

  if (!reading.is_told) log_.write(io::Level::Warning, text.error().text + "; its entries stay");
  const auto before =
      std::ranges::find_if(sources_, [&](const Source& source) { return source.path == path; });
  reading.table.add_from(*table_, static_cast<std::size_t>(before - sources_.begin()) + 1);
  return Done();
}

std::vector<std::string> HostsFiles::unreadable() const {
  std::vector<std::string> paths;
  for (const std::vector<Source>& entries : {std::cref(listings_), std::cref(sources_)})
    for (const Source& entry : entries) paths.push_back(entry.path);
  return io::unreadable(paths);
}

bool HostsFiles::has_changed() const {
  const auto changed = [](const auto& entry) { return io::stamp_of(entry.path) != entry.stamp; };
  return std::ranges::any_of(listings_, changed) || std::ranges::any_of(sources_, changed);
}

std::vector<std::string> HostsFiles::sources_below(const std::string& path) const {
  std::vector<std::string> files;
  for (const Source& source : sources_) files.push_back(source.path);
  return io::files_below(path, files);
}

void HostsFiles::report(const std::string& path, const policy::HostsReport& report) {
  for (const policy::BadLine& bad : report.first_bad)
    log_.write(io::Level::Warning, io::LogLine("hosts line skipped")
                                       .with("file", path)
                                       .with("line", bad.line)
                                       .with("reason", bad.reason));
  if (report.bad_lines > report.first_bad.size())
    log_.write(io::Level::Warning, io::LogLine("more hosts lines skipped")
                                       .with("file", path)
                                       .with("count", report.bad_lines - report.first_bad.size()));
}

}  // namespace dnslet::config
