// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_files.h"

#include <algorithm>
#include <utility>

namespace dnslet::config {
namespace {

using policy::ListEntry;

// Whether the entry alone would take the name.
bool takes(const ListEntry& entry, dns::NameView name) {
  if (entry.is_exception) return false;
  if (entry.kind == ListEntry::Kind::Pattern)
    return entry.pattern.fits(policy::NameText(name).view());
  if (entry.kind != ListEntry::Kind::Name) return false;
  if (entry.name == name) return entry.covers != policy::Covers::Below;
  return entry.covers != policy::Covers::Name && name.is_within(entry.name);
}

io::LogLine line_of(const char* message, const std::string& path, const ListReader::Count& count) {
  io::LogLine line(message);
  line.with("file", path).with("count", count.lines).with("first", count.first);
  return line;
}

void warn(io::Log& log, const char* message, const std::string& path,
          const ListReader::Count& count) {
  if (count.lines > 0) log.write(io::Level::Warning, line_of(message, path, count));
}

}  // namespace

ListFiles::ListFiles(const Paths& paths, uint64_t seed, io::Log& log) : seed_(seed), log_(log) {
  for (const std::string& path : paths.blocked) listings_.push_back({path, Role::Blocked, {}});
  for (const std::string& path : paths.allowed) listings_.push_back({path, Role::Allowed, {}});
}

Status ListFiles::load() { return read(OnTrouble::Fail, kNeverStopped); }

std::string ListFiles::name_of(Role role) {
  return role == Role::Blocked ? "--blocklist (DNSMASQ_BLOCKLIST)"
                               : "--allowlist (DNSMASQ_ALLOWLIST)";
}

void ListFiles::reload(const StopFlag& stop) {
  const Status status = read(OnTrouble::KeepNames, stop);
  if (!status && !is_set(stop))
    log_.write(io::Level::Warning, status.error().text + "; all lists stay as they were");
}

Status ListFiles::read(OnTrouble on_trouble, const StopFlag& stop) {
  if (listings_.empty()) return Done();
  auto lists = std::make_shared<policy::BlockLists>(seed_);
  Reading reading{on_trouble, stop, *lists};
  for (Listing& listing : listings_)
    if (const Status status = read_listing(listing, reading); !status)
      return Error{name_of(listing.role) + ": " + status.error().text};
  lists->blocked.finish();
  lists->allowed.finish();
  sources_ = std::move(reading.sources);
  log_.write(io::Level::Info, io::LogLine("lists read")
                                  .with("files", sources_.size())
                                  .with("blocked", lists->blocked.size())
                                  .with("allowed", lists->allowed.size()));
  lists_ = std::move(lists);
  return Done();
}

Status ListFiles::read_listing(Listing& listing, Reading& reading) const {
  listing.stamp = io::stamp_of(listing.path);
  const auto expanded = expand(listing);
  if (!expanded && reading.on_trouble == OnTrouble::Fail) return expanded.error();
  if (!expanded) log_.write(io::Level::Warning, expanded.error().text + "; its names stay");
  for (const std::string& path : expanded ? *expanded : sources_below(listing))
    if (Status status = read_list(path, listing.role, reading); !status) return status;
  return Done();
}

Status ListFiles::read_list(const std::string& path, Role role, Reading& reading) const {
  policy::ListedNames& names =
      role == Role::Blocked ? reading.lists.blocked : reading.lists.allowed;
  ListReader reader(
      {[&](const std::string& file) {
         return open({file, role, io::stamp_of(file), file != path, nullptr}, reading);
       },
       [&](const ListEntry& entry, const ListReader::Place&) { names.add(entry); }},
      reading.stop);
  Status status = reader.read(path);
  if (status) report(reader.reports());
  return status;
}

// A file that can't be opened is read as it was, if it was ever read.
Result<ListReader::File> ListFiles::open(Source source, Reading& reading) const {
  auto opened = io::TextFile::open(source.path);
  if (opened) {
    source.file = std::make_shared<const io::TextFile>(std::move(*opened));
  } else {
    if (reading.on_trouble == OnTrouble::Fail) return opened.error();
    log_.write(io::Level::Warning, opened.error().text + "; its names stay");
    const auto before = std::ranges::find(sources_, source.path, &Source::path);
    if (before != sources_.end()) source.file = before->file;
  }
  ListReader::File file = source.file;
  reading.sources.push_back(std::move(source));
  return file;
}

bool ListFiles::has_changed() const {
  const auto changed = [](const auto& entry) { return io::stamp_of(entry.path) != entry.stamp; };
  return std::ranges::any_of(listings_, changed) || std::ranges::any_of(sources_, changed);
}

std::vector<std::string> ListFiles::unreadable() const {
  std::vector<std::string> sentences;
  const auto look_at = [&sentences](const auto& entry) {
    const Status status = io::may_read(entry.path);
    if (!status && std::ranges::find(sentences, status.error().text) == sentences.end())
      sentences.push_back(status.error().text);
  };
  std::ranges::for_each(listings_, look_at);
  std::ranges::for_each(sources_, look_at);
  return sentences;
}

// The files that a path of the command line stands for.
Result<std::vector<std::string>> ListFiles::expand(const Listing& listing) const {
  if (io::is_directory(listing.path)) return io::list_directory(listing.path);
  const std::vector<std::string> before = sources_below(listing);
  if (!before.empty() && before.front() != listing.path)
    return Error{"cannot read '" + listing.path + "': not a directory any more"};
  return std::vector<std::string>{listing.path};
}

std::vector<std::string> ListFiles::sources_below(const Listing& listing) const {
  const std::string below = listing.path.ends_with('/') ? listing.path : listing.path + '/';
  std::vector<std::string> files;
  for (const Source& source : sources_) {
    const bool is_below = source.path == listing.path || source.path.starts_with(below);
    if (is_below && source.role == listing.role && !source.is_included)
      files.push_back(source.path);
  }
  return files;
}

void ListFiles::report(const std::vector<ListReader::Report>& reports) const {
  for (const ListReader::Report& report : reports) {
    warn(log_, "list lines skipped, which can't be read", report.path, report.unreadable);
    warn(log_, "list lines left out, as regexp: is not supported", report.path, report.expressions);
    if (report.left_out.lines > 0)
      log_.write(io::Level::Info, line_of("list lines left out, which ask for more than a name",
                                          report.path, report.left_out));
  }
}

std::optional<ListFiles::Place> ListFiles::find(dns::NameView name) const {
  std::optional<Place> found;
  for (const Source& source : sources_) {
    if (source.role != Role::Blocked || source.is_included || found) continue;
    ListReader reader({[&](const std::string& path) -> Result<ListReader::File> {
                         const auto known = std::ranges::find(sources_, path, &Source::path);
                         return known == sources_.end() ? nullptr : known->file;
                       },
                       [&](const ListEntry& entry, const ListReader::Place& place) {
                         if (!found && takes(entry, name))
                           found = Place{place.path, place.line, std::string(place.text)};
                       }},
                      kNeverStopped);
    (void)reader.read(source.path);  // what has been found is enough
  }
  return found;
}

}  // namespace dnslet::config
