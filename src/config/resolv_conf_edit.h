// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What --default-resolver does to resolv.conf, as text: our entry put in, the original got back,
// and the order of writes that changes the one into the other inside the file. Pure.
//
// An edited file begins with `# added by dnslet: ADDRESS…` and, below it, `nameserver ADDRESS` for
// each: nothing may stand behind an address, since BusyBox takes the whole line for it. The mark
// names the addresses, so that a line that others put between the two is not taken for ours. (Until
// now ` # added by dnslet` stood behind the address: such entries are still found.) The nameserver
// lines that were there stand behind `# dnslet: `. With ClientOptions::Auto one more line of ours
// makes clients ask once, for the name as it was given, and lines that say otherwise are commented
// out too: search, domain, and options with ndots, whose other options move into our line.
// Everything else is as it was, byte for byte.
//
// A file that may be a bind mount can't be replaced by a rename, so an edit has to survive a stop
// at any moment (kill -9, a power cut) in place. It takes three steps: the original goes behind the
// text as comments, then the text is overwritten, then the comments are cut off. Until the second
// step begins the text is whole, afterwards its copy is; original_of() finds out which. After each
// step a resolver can read the file. What can't be told from the user's own text is a stop inside
// the first write, at a page's boundary, with fewer than ten bytes done: they stay, as a comment.
// And of a power cut that keeps the second page of the first write and not the first, zeros may
// stay, with the copy as comments behind them.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dnslet::config {

enum class ClientOptions { Keep, Auto };

// `original` with `servers` (addresses as in resolv.conf, at least one) in front. REQUIRES:
// `original` came from original_of().
std::string with_entry(std::string_view original, std::span<const std::string> servers,
                       ClientOptions options = ClientOptions::Keep);

// The addresses that our entry was written with, also where only some of its lines are left; none:
// there is no entry.
std::vector<std::string> entry_in(std::string_view text);

// The text without entries and without the remains of an edit that was stopped; what others added
// meanwhile stays: where the text above a copy is not what the edit wrote, the text counts and not
// the copy. A text that dnslet has not touched comes back as it is, but for lines that begin with
// the marks of an edit.
std::string original_of(std::string_view text);

// How to turn a file that holds `from` into one that holds `to`.
struct InPlaceEdit {
  std::string tail;      // 1. to be written behind `from`; has to reach the disk
  std::string head;      // 2. to be written from the file's start on; has to reach the disk
  std::size_t size = 0;  // 3. where the file is to be cut
};
// REQUIRES: `from` and `to` have the same original.
InPlaceEdit plan_edit(std::string_view from, std::string_view to);

// For a full disk: `to` and a comment in the room that `from` has, to be cut at to.size() then. A
// stop in the middle is not survived. nullopt: there is no room.
std::optional<std::string> overwrite_with(std::string_view from, std::string_view to);

}  // namespace dnslet::config
