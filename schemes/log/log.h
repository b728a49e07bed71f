#pragma once

// The log scheme: lines from programs to the supervisor's log. Source: base:logd.

#include <functional>
#include <memory>
#include <string_view>

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// Gets every whole line, without its end, and the name under which the writer opened the log ("" for none).
// Any thread, one line at a time per handle; it may block as the log does.
using LogSink = std::function<void(std::string_view context, std::string_view line)>;

// The path opened is the context's name. A line without its end waits for the rest until the handle closes;
// reads give nothing.
std::shared_ptr<scheme::Scheme> make_log_scheme(LogSink sink);

}  // namespace halfcell::schemes
