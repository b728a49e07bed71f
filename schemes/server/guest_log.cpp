#include "schemes/server/scheme.h"
#include "userland/rt/output.h"

namespace halfcell::server {

void log(std::string_view line) {
    userland::err().print(line, '\n');
    userland::err().flush();
}

}  // namespace halfcell::server
