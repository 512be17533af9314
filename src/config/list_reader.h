// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Reads a list of names and the files that its include: lines name, line by line.

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/stop_flag.h"
#include "io/text_file.h"
#include "policy/list_line.h"

namespace dnslet::config {

class ListReader {
 public:
  // What includes include ends, whoever includes whom; a file is read once for the same wish.
  static constexpr std::size_t kMaxDepth = 8;
  static constexpr std::size_t kMaxIncluded = 1000;

  using File = std::shared_ptr<const io::TextFile>;
  // Where an entry stands. Borrows.
  struct Place {
    const std::string& path;
    std::size_t line;  // counts from 1
    std::string_view text;
  };
  struct Callbacks {
    // Opens a file, or tells why that can't be; null: it is to be passed over. `includer`: the
    // place of the include: line, as "'PATH', line 1"; empty of the list itself.
    std::function<Result<File>(const std::string& path, const std::string& includer)> open;
    std::function<void(const policy::ListEntry& entry, const Place& place)> on_entry;
    // Takes a line that is but a name as a whole; false: it is another one, or wanted as an entry.
    // Null: all lines become entries.
    std::function<bool(std::string_view line)> take_plain = nullptr;
  };

  // Lines of one kind: how many, and the first of them.
  struct Count {
    std::size_t lines = 0;
    std::size_t first = 0;  // counts from 1
    void add(std::size_t line) {
      if (lines++ == 0) first = line;
    }
  };
  // The lines of a file that take nothing and are no comments.
  struct Report {
    std::string path;
    Count unreadable;
    Count left_out;
  };

  // `stop` is borrowed.
  ListReader(Callbacks callbacks, const StopFlag& stop)
      : callbacks_(std::move(callbacks)), stop_(stop) {}

  // Reads the lines of a list that have these attributes, and lack those with a "-" in front. Fails
  // if a file can't be opened or read to its end.
  Status read(const std::string& path, const std::vector<std::string>& wanted = {});
  // One for each file that was read, in order.
  const std::vector<Report>& reports() const { return reports_; }

 private:
  // A file of which lines with these attributes are wanted.
  struct Visit {
    std::string path;
    std::vector<std::string> wanted;
    std::size_t depth = 0;
    std::string includer = {};  // as for `open`
  };

  Status read(const Visit& visit);
  Status read_lines(const Visit& visit, const io::TextFile& file);
  Status include(const Visit& visit, const policy::ListLine& line, std::size_t number);

  Callbacks callbacks_;
  const StopFlag& stop_;
  std::vector<Report> reports_;
  std::set<std::pair<std::string, std::vector<std::string>>> visited_;  // paths, attributes
};

}  // namespace dnslet::config
