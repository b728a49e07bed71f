#pragma once

// Reports for people: a line a value, lists of alike rows as tables.

#include <string>

#include "kernel_shim/base/json.h"

namespace halfcell::control {

// The text of a report, whole lines, none of them empty. Never fails.
[[nodiscard]] std::string for_people(const OrderedJson& report);

}  // namespace halfcell::control
