#pragma once

// The zero scheme: reads give zeros, writes vanish. Source: base:zerod.

#include <memory>

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

std::shared_ptr<scheme::Scheme> make_zero_scheme();

}  // namespace halfcell::schemes
