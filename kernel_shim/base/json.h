#pragma once

// JSON values. The only header that includes nlohmann-json: other code says halfcell::Json and uses these two
// functions, which never throw.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "kernel_shim/base/result.h"

namespace halfcell {

// Objects sort their keys.
using Json = nlohmann::json;
// Objects keep the order of insertion.
using OrderedJson = nlohmann::ordered_json;

// Parses one JSON text. EINVAL: it is not one, or it is nested deeper than kJsonDepth, which nobody needs and
// which would make printing and destroying the value run out of stack. Never blocks.
inline constexpr int kJsonDepth = 200;
[[nodiscard]] Result<Json> parse_json(std::string_view text);
[[nodiscard]] Result<OrderedJson> parse_ordered_json(std::string_view text);

// The text of a value: on one line for indent -1, else with `indent` spaces a level. Bytes that are no UTF-8
// become U+FFFD. Never blocks, never fails.
[[nodiscard]] std::string dump_json(const Json& value, int indent = -1);
[[nodiscard]] std::string dump_json(const OrderedJson& value, int indent = -1);

}  // namespace halfcell
