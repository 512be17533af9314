// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/subnet_text.h"

#include <optional>
#include <string>

#include "base/text.h"
#include "config/option_values.h"

namespace dnslet::config {
namespace {

using policy::SubnetChoice;

constexpr std::string_view kClient = "client";

Error no_subnet(std::string_view text) {
  return not_a(
      text,
      "a network of clients, for example 192.0.2.0/24, client/24/56 (of each client its own) "
      "or none");
}

// "/24/56"
std::optional<SubnetChoice> parse_lengths(std::string_view text) {
  SubnetChoice choice{.kind = SubnetChoice::Kind::Client};
  if (text.empty()) return choice;
  const std::size_t slash = text.find('/', 1);
  if (text.front() != '/' || slash == std::string_view::npos) return std::nullopt;
  const auto v4 = parse_number(text.substr(1, slash - 1), {0, 32, "bits"});
  const auto v6 = parse_number(text.substr(slash + 1), {0, 128, "bits"});
  if (!v4 || !v6) return std::nullopt;
  choice.most_v4 = static_cast<uint8_t>(*v4);
  choice.most_v6 = static_cast<uint8_t>(*v6);
  return choice;
}

}  // namespace

Result<SubnetChoice> parse_subnet(std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "none") return SubnetChoice();
  if (word.starts_with(kClient)) {
    const auto choice = parse_lengths(std::string_view(word).substr(kClient.size()));
    return choice ? Result<SubnetChoice>(*choice) : no_subnet(text);
  }
  const auto network = Network::from_text(text);
  if (!network) return no_subnet(text);
  SubnetChoice choice{.kind = SubnetChoice::Kind::Fixed};
  const bool is_v4 = network->address.family == Family::V4;
  const bool has_length = text.find('/') != std::string_view::npos;
  const uint8_t usual = is_v4 ? choice.most_v4 : choice.most_v6;
  choice.fixed = Network::of(network->address, has_length ? network->prefix : usual);
  return choice;
}

}  // namespace dnslet::config
