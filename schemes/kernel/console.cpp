#include "schemes/kernel/console.h"

namespace halfcell::schemes {

void HostConsole::write(std::string_view bytes, wait::Waiter* waiter) {
    wait::Waiter nobody;
    (void)output_->write(mem::UserIn::local(bytes), false, "DebugScheme::write",
                         waiter != nullptr ? *waiter : nobody);
}

}  // namespace halfcell::schemes
