// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The files of --blocklist and --allowlist as sets of names: reads them, notices changes, reads
// them again.
//
// A file that can't be opened any more keeps the names it had, with a warning: it is still open,
// and read as it was. One that has left its directory takes its names along. Sets in use are never
// changed, only replaced. One thread at a time may use it; io/background sees to that.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "config/list_reader.h"
#include "io/files.h"
#include "io/log.h"
#include "policy/block_lists.h"

namespace dnslet::config {

class ListFiles {
 public:
  // Files and directories, in order.
  struct Paths {
    std::vector<std::string> blocked;
    std::vector<std::string> allowed;
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

  enum class Role { Blocked, Allowed };
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
  // Takes as long as reading does.
  Places find(dns::NameView name) const;

 private:
  enum class OnTrouble { Fail, KeepNames };

  // A path of the command line.
  struct Listing {
    std::string path;
    Role role = Role::Blocked;
    io::FileStamp stamp;  // when it was last read
  };
  struct Source {
    std::string path;
    Role role = Role::Blocked;
    io::FileStamp stamp;  // when it was last read
    bool is_included = false;
    ListReader::File file;  // null: it could never be read
  };
  // What is being read.
  struct Reading {
    OnTrouble on_trouble;
    const StopFlag& stop;
    policy::BlockLists& lists;
    std::vector<Source> sources = {};
  };

  static std::string name_of(Role role);
  Status read(OnTrouble on_trouble, const StopFlag& stop);
  Status read_listing(Listing& listing, Reading& reading) const;
  Status read_list(const std::string& path, Role role, Reading& reading) const;
  Result<ListReader::File> open(Source source, Reading& reading) const;
  ListReader::File known_file(const Source& source, const Reading& reading) const;
  void watch(const Reading& reading);
  void warn_of_exceptions(const policy::BlockLists& lists) const;
  void report(const std::vector<ListReader::Report>& reports) const;
  std::vector<std::string> sources_below(const Listing& listing) const;

  std::vector<Listing> listings_;
  uint64_t seed_;
  io::Log& log_;
  std::vector<Source> sources_;       // included ones too
  std::vector<std::string> watched_;  // paths of both
  io::ChangeWatch<std::vector<io::FileStamp>> watch_;
  Lists lists_;
};

}  // namespace dnslet::config
