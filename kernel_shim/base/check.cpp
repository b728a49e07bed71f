#include "kernel_shim/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace halfcell {

void check_failed(const char* expression, const char* file, int line, const char* message) {
    std::fprintf(stderr, "halfcell: internal error at %s:%d: %s (%s)\n", file, line, message, expression);
    std::abort();
}

}  // namespace halfcell
