#pragma once

// The null scheme: reads give nothing, writes vanish. Source: base:zerod.

#include <memory>

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

std::shared_ptr<scheme::Scheme> make_null_scheme();

}  // namespace halfcell::schemes
