#pragma once

// Names of users and groups, from /etc/passwd and /etc/group in Redox's form ("name;uid;gid;…"), or the
// colons of other systems.

#include <cstdint>
#include <string>

namespace halfcell::userland {

// The name, or the number as text where it has none. Reads the database once.
std::string user_name(std::uint32_t uid);
std::string group_name(std::uint32_t gid);

}  // namespace halfcell::userland
