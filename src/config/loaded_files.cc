// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/loaded_files.h"

#include <utility>

namespace dnslet::config {

void LoadedFiles::add(std::string option, const std::string& path, std::size_t entries) {
  files.push_back({std::move(option), path, entries});
}

Loaded keep(LoadedFiles&& files) { return std::make_shared<LoadedFiles>(std::move(files)); }

}  // namespace dnslet::config
