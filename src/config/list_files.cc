// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_files.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/text.h"

namespace dnslet::config {
namespace {

using policy::ListEntry;

// Whether the entry alone is about the name.
bool fits(const ListEntry& entry, dns::NameView name) {
  if (entry.kind == ListEntry::Kind::Pattern)
    return entry.pattern.fits(policy::NameText(name).view());
  if (entry.kind == ListEntry::Kind::Expression)
    return entry.expression->fits(policy::NameText(name).view());
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

// Descriptors that lists may take: some are left for questions and clients.
std::size_t most_open() {
  constexpr std::size_t kLeft = 256;
  const std::size_t all = io::most_open_files();
  return all - std::min(all / 4, kLeft);
}

}  // namespace

ListFiles::ListFiles(const Paths& paths, uint64_t seed, io::Log& log) : seed_(seed), log_(log) {
  for (const std::string& path : paths.blocked) listings_.push_back({path, {Role::Blocked}, {}});
  for (const std::string& path : paths.allowed) listings_.push_back({path, {Role::Allowed}, {}});
  for (const NamedList& list : paths.named) {
    for (const ListSource& source : list.sources)
      listings_.push_back({source.path, {Role::Named, names_.size(), source.attributes}, {}});
    names_.push_back(list.name);
  }
}

Status ListFiles::load() { return read(OnTrouble::Fail, kNeverStopped); }

std::string ListFiles::name_of(const Purpose& purpose) const {
  if (purpose.role == Role::Named) return "--list (DNSMASQ_LIST): " + names_[purpose.number];
  return purpose.role == Role::Blocked ? "--blocklist (DNSMASQ_BLOCKLIST)"
                                       : "--allowlist (DNSMASQ_ALLOWLIST)";
}

std::string ListFiles::short_name_of(const Purpose& purpose) const {
  if (purpose.role == Role::Named) return "list " + names_[purpose.number];
  return purpose.role == Role::Blocked ? "blocklist" : "allowlist";
}

void ListFiles::reload(const StopFlag& stop) {
  const Status status = read(OnTrouble::KeepNames, stop);
  if (!status && !is_set(stop))
    log_.write(io::Level::Warning, status.error().text + "; all lists stay as they were");
}

Status ListFiles::read(OnTrouble on_trouble, const StopFlag& stop) {
  if (listings_.empty()) return Done();
  auto lists = std::make_shared<policy::BlockLists>(seed_, names_.size());
  Reading reading{on_trouble, stop, *lists};
  Status trouble = Done();
  for (Listing& listing : listings_) {
    Status status = read_listing(listing, reading);
    if (is_set(stop)) return status;
    if (!status && trouble)
      trouble = Error{name_of(listing.purpose) + ": " + status.error().text +
                      (on_trouble == OnTrouble::Fail ? hint_for(listing) : "")};
    if (!trouble && on_trouble == OnTrouble::Fail) return trouble;
  }
  watch(reading);  // also what is in trouble: it may be mended
  if (!trouble) return trouble;

  lists->finish();
  warn_of_exceptions(*lists);
  sources_ = std::move(reading.sources);
  std::set<const io::TextFile*> open;  // a file may be in several lists
  for (const Source& source : sources_) open.insert(source.file.get());
  open_ = open.size();
  tell_sizes(*lists);
  lists_ = std::move(lists);
  loaded_ = keep(std::move(reading.loaded));
  return Done();
}

// Maybe it is but a piece of a path.
const char* ListFiles::hint_for(const Listing& listing) const {
  const bool is_one = std::ranges::count(listings_, listing.purpose, &Listing::purpose) == 1;
  const bool is_there = listing.stamp != io::FileStamp();
  return is_one || is_there ? "" : " (paths end at commas: where one has a comma name its folder)";
}

void ListFiles::tell_sizes(const policy::BlockLists& lists) const {
  io::LogLine line("lists read");
  line.with("files", sources_.size())
      .with("blocked", lists.blocked.size())
      .with("allowed", lists.allowed.size());
  std::size_t named = 0;
  std::size_t networks = 0;
  for (const policy::List& list : lists.named) {
    named += list.names.size();
    networks += list.networks.size();
  }
  if (!lists.named.empty()) line.with("named", named).with("networks", networks);
  log_.write(io::Level::Info, line);
}

void ListFiles::watch(const Reading& reading) {
  watched_.clear();
  std::vector<io::FileStamp> stamps;
  const auto add = [&](const auto& file) {
    watched_.push_back(file.path);
    stamps.push_back(file.stamp);
  };
  std::ranges::for_each(listings_, add);
  std::ranges::for_each(reading.sources, add);
  watch_.mark(stamps);
}

// Many that are published are written so, for programs that have one list of both.
void ListFiles::warn_of_exceptions(const policy::BlockLists& lists) const {
  if (lists.allowed.empty() || !lists.allowed.takes_nothing()) return;
  log_.write(io::Level::Warning,
             "--allowlist (DNSMASQ_ALLOWLIST) holds exceptions (@@) only and spares nothing: give "
             "that file to --blocklist, whose names they are exceptions from, or leave out the @@");
}

Status ListFiles::read_listing(Listing& listing, Reading& reading) const {
  listing.stamp = io::stamp_of(listing.path);
  const std::vector<std::string> before = sources_below(listing);
  const auto expanded = io::files_of(listing.path, before);
  if (!expanded && reading.on_trouble == OnTrouble::Fail) return expanded.error();
  if (!expanded) log_.write(io::Level::Warning, expanded.error().text + "; its names stay");
  reading.is_told = !expanded;
  Status trouble = Done();
  for (const std::string& path : expanded ? *expanded : before) {
    const Status status = read_list(path, listing.purpose, reading);
    if (!status && trouble) trouble = status;
    if (!trouble && (is_set(reading.stop) || reading.on_trouble == OnTrouble::Fail)) break;
  }
  return trouble;
}

Status ListFiles::read_list(const std::string& path, const Purpose& purpose,
                            Reading& reading) const {
  policy::BlockLists& lists = reading.lists;
  policy::List* const named = purpose.role == Role::Named ? &lists.named[purpose.number] : nullptr;
  policy::ListedNames& names = named                           ? named->names
                               : purpose.role == Role::Blocked ? lists.blocked
                                                               : lists.allowed;
  std::size_t entries = 0;  // those of files that it includes, too
  ListReader reader({[&](const std::string& file, const std::string& includer) {
                       return open({file, purpose, io::stamp_of(file), !includer.empty(), nullptr},
                                   includer, reading);
                     },
                     [&](const ListEntry& entry, const ListReader::Place&) {
                       named ? named->add(entry) : names.add(entry);
                       ++entries;
                     },
                     [&](std::string_view line) {
                       const bool is_name = names.add_plain(line);
                       entries += is_name ? 1 : 0;
                       return is_name;
                     }},
                    reading.stop);
  Status status = reader.read(path, purpose.attributes);
  if (!status) return status;
  report(reader.reports(), reading);
  reading.loaded.add(short_name_of(purpose), path, entries);
  return status;
}

// A file that can't be opened is read as it was, if it was ever read.
Result<ListReader::File> ListFiles::open(Source source, const std::string& includer,
                                         Reading& reading) const {
  source.file = known_file(source, reading);
  if (!source.file) {
    auto opened = io::TextFile::open(source.path);
    if (opened && ++reading.opened + open_ > most_open())
      return Error{in_quotes(source.path) +
                   " is one file too many: files of lists stay open, and dnslet may have " +
                   std::to_string(io::most_open_files()) +
                   " in all; raise the limit (ulimit -n), or put them together"};
    if (opened) {
      source.file = std::make_shared<const io::TextFile>(std::move(*opened));
    } else {
      const std::string by = includer.empty() ? "" : ", which " + includer + " includes";
      auto before = file_before(source.path, opened.error().text + by, reading);
      if (!before) return before;
      source.file = std::move(*before);
    }
  }
  ListReader::File file = source.file;
  reading.sources.push_back(std::move(source));
  return file;
}

// As it was last read; null: it never was.
Result<ListReader::File> ListFiles::file_before(const std::string& path, const std::string& trouble,
                                                const Reading& reading) const {
  if (reading.on_trouble == OnTrouble::Fail) return Error{trouble};
  const auto before = std::ranges::find(sources_, path, &Source::path);
  ListReader::File file = before == sources_.end() ? nullptr : before->file;
  if (file && !file->is_as_it_was())
    return Error{trouble + ", and what it said has been written to since"};
  if (!reading.is_told || !file)
    log_.write(io::Level::Warning, trouble + (file ? "; its names stay" : "; it is passed over"));
  return file;
}

// The file that is open already, as it has not changed: each takes one descriptor.
ListReader::File ListFiles::known_file(const Source& source, const Reading& reading) const {
  for (const std::vector<Source>& sources : {std::cref(reading.sources), std::cref(sources_)}) {
    const auto known = std::ranges::find(sources, source.path, &Source::path);
    const bool is_same = known != sources.end() && known->stamp == source.stamp;
    if (is_same && source.stamp != io::FileStamp()) return known->file;
  }
  return nullptr;
}

bool ListFiles::has_changed() { return watch_.has_changed(io::stamps_of(watched_)); }

std::vector<std::string> ListFiles::unreadable() const { return io::unreadable(watched_); }

std::vector<std::string> ListFiles::sources_below(const Listing& listing) const {
  std::vector<std::string> files;
  for (const Source& source : sources_)
    if (source.purpose == listing.purpose && !source.is_included) files.push_back(source.path);
  return io::files_below(listing.path, files);
}

// Once for each file, however many lists it is in.
void ListFiles::report(const std::vector<ListReader::Report>& reports, Reading& reading) const {
  for (const ListReader::Report& report : reports) {
    if (!reading.reported.insert(report.path).second) continue;
    warn(log_, "list lines skipped, which can't be read", report.path, report.unreadable);
    if (report.left_out.lines > 0)
      log_.write(io::Level::Info, line_of("list lines left out, which ask for more than a name",
                                          report.path, report.left_out));
  }
}

// What has been found when a file can't be read to its end is enough.
void ListFiles::read_again(const Source& source, const OnEntry& on_entry) const {
  ListReader reader(
      {[this](const std::string& path, const std::string&) -> Result<ListReader::File> {
         const auto known = std::ranges::find(sources_, path, &Source::path);
         return known == sources_.end() ? nullptr : known->file;
       },
       on_entry},
      kNeverStopped);
  (void)reader.read(source.path, source.purpose.attributes);
}

ListFiles::Places ListFiles::find(dns::NameView name) const {
  Places found;
  for (const Source& source : sources_) {
    if (source.is_included || source.purpose.role == Role::Named) continue;
    read_again(source, [&](const ListEntry& entry, const ListReader::Place& at) {
      auto& place = found[{source.purpose.role, entry.is_exception, entry.is_important}];
      if (!place && fits(entry, name)) place = Place{at.path, at.line, std::string(at.text)};
    });
  }
  return found;
}

// The first line that takes it; one that is important before all others.
template <typename Fits>
std::optional<ListFiles::Place> ListFiles::find_in(policy::ListNumber list,
                                                   const Fits& fits) const {
  std::optional<Place> found;
  std::optional<Place> important;
  for (const Source& source : sources_) {
    const bool is_of_it = source.purpose.role == Role::Named && source.purpose.number == list;
    if (source.is_included || !is_of_it) continue;
    read_again(source, [&](const ListEntry& entry, const ListReader::Place& at) {
      auto& place = entry.is_important ? important : found;
      if (!place && !entry.is_exception && fits(entry))
        place = Place{at.path, at.line, std::string(at.text)};
    });
  }
  return important ? important : found;
}

std::optional<ListFiles::Place> ListFiles::find(policy::ListNumber list, dns::NameView name) const {
  if (!lists_ || !lists_->named[list].names.has(name)) return std::nullopt;
  return find_in(list, [name](const ListEntry& entry) { return fits(entry, name); });
}

std::optional<ListFiles::Place> ListFiles::find(policy::ListNumber list,
                                                const IpAddress& address) const {
  if (!lists_ || !lists_->named[list].networks.contains(address)) return std::nullopt;
  return find_in(list, [&address](const ListEntry& entry) {
    return entry.kind == ListEntry::Kind::Network && entry.network.contains(address);
  });
}

}  // namespace dnslet::config
