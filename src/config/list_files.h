// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The files of --blocklist, --allowlist and --list as sets of names and networks: reads them,
// notices changes, reads them again.
//
// A file that can't be opened any more keeps the names it had, with a warning: it is still open,
// and read as it was. One that has left its directory takes its names along. Sets in use are never
// changed, only replaced. One thread at a time may use it; io/background sees to that.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "config/list_reader.h"
#include "config/loaded_files.h"
#include "config/named_list.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/block_lists.h"
#include "policy/rule.h"

namespace dnslet::config {

class ListFiles {
 public:
  // Files and directories, in order.
  struct Paths {
    std::vector<std::string> blocked;
    std::vector<std::string> allowed;
    std::vector<NamedList> named = {};
  };
  using Lists = std::shared_ptr<const policy::BlockLists>;

  // `seed`: see dns/hash.h.
  ListFiles(const Paths& paths, uint64_t seed, io::Log& log);

  bool empty() const { return listings_.empty(); }
  // The first reading: fails with a sentence that names the option if anything can't be read.
  Status load();
  // Reads everything again. When stopped, or where a file breaks off, all stays.
  void reload(const StopFlag& stop);
  // Whether a file or a directory has changed since it was last read, and none has since this was
  // asked last: a list that is being written is not read half-way. To be asked at intervals.
  bool has_changed();
  // What this process may not read any more, of what it has read: "cannot read 'PATH': reason".
  std::vector<std::string> unreadable() const;

  std::size_t files() const { return sources_.size(); }
  // What was read last; null: no file was given.
  Lists lists() const { return lists_; }
  Loaded loaded() const { return loaded_; }

  enum class Role { Blocked, Allowed, Named };
  // Entries of one kind.
  struct Kind {
    Role role = Role::Blocked;
    bool is_exception = false;
    bool is_important = false;
  };
  // A line with such an entry that fits a name, found by reading again.
  struct Place {
    std::string path;
    std::size_t line = 0;  // counts from 1
    std::string text;
  };
  // The first one of each kind; nullopt: there is none.
  class Places {
   public:
    std::optional<Place>& operator[](const Kind& kind) {
      return places_[(kind.role == Role::Blocked ? 0U : 4U) + (kind.is_exception ? 2U : 0U) +
                     (kind.is_important ? 1U : 0U)];
    }

   private:
    std::array<std::optional<Place>, 8> places_;
  };
  // Of --blocklist and --allowlist. Takes as long as reading does.
  Places find(dns::NameView name) const;
  // The line by which a list of --list takes a name or an address; nullopt: it does not take it.
  std::optional<Place> find(policy::ListNumber list, dns::NameView name) const;
  std::optional<Place> find(policy::ListNumber list, const IpAddress& address) const;

 private:
  enum class OnTrouble { Fail, KeepNames };
  using OnEntry = std::function<void(const policy::ListEntry& entry, const ListReader::Place& at)>;

  // What a path is given for, and which of its lines count.
  struct Purpose {
    Role role = Role::Blocked;
    policy::ListNumber number = 0;  // of Role::Named
    std::vector<std::string> attributes = {};

    bool operator==(const Purpose&) const = default;
  };
  // A path of the command line.
  struct Listing {
    std::string path;
    Purpose purpose;
    io::FileStamp stamp;  // when it was last read
  };
  struct Source {
    std::string path;
    Purpose purpose;
    io::FileStamp stamp;  // when it was last read
    bool is_included = false;
    ListReader::File file;  // null: it could never be read
  };
  // What is being read.
  struct Reading {
    OnTrouble on_trouble;
    const StopFlag& stop;
    policy::BlockLists& lists;
    LoadedFiles loaded = {};
    std::vector<Source> sources = {};
    std::set<std::string> reported = {};  // paths
    std::size_t opened = 0;               // files that were not open before
    bool is_told = false;                 // that the path which is being read can't be
  };

  std::string name_of(const Purpose& purpose) const;
  std::string short_name_of(const Purpose& purpose) const;
  Status read(OnTrouble on_trouble, const StopFlag& stop);
  Status read_listing(Listing& listing, Reading& reading) const;
  Status read_list(const std::string& path, const Purpose& purpose, Reading& reading) const;
  Result<ListReader::File> open(Source source, const std::string& includer, Reading& reading) const;
  Result<ListReader::File> file_before(const std::string& path, const std::string& trouble,
                                       const Reading& reading) const;
  void read_again(const Source& source, const OnEntry& on_entry) const;
  template <typename Fits>
  std::optional<Place> find_in(policy::ListNumber list, const Fits& fits) const;
  ListReader::File known_file(const Source& source, const Reading& reading) const;
  void watch(const Reading& reading);
  const char* hint_for(const Listing& listing) const;
  void tell_sizes(const policy::BlockLists& lists) const;
  void warn_of_exceptions(const policy::BlockLists& lists) const;
  void report(const std::vector<ListReader::Report>& reports, Reading& reading) const;
  std::vector<std::string> sources_below(const Listing& listing) const;

  std::vector<Listing> listings_;
  std::vector<std::string> names_;  // of --list
  uint64_t seed_;
  io::Log& log_;
  std::vector<Source> sources_;       // included ones too
  std::size_t open_ = 0;              // their files
  std::vector<std::string> watched_;  // paths of both
  io::ChangeWatch<std::vector<io::FileStamp>> watch_;
  Lists lists_;
  Loaded loaded_;
};

}  // namespace dnslet::config
