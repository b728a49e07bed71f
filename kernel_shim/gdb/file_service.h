#pragma once

// The vFile packets: gdb reads the files that the program sees, its libraries above all. Read-only.
// Source: the GDB manual, "Host I/O Packets" and "File-I/O Remote Protocol Extension".

#include <map>
#include <memory>
#include <string>

#include "kernel_shim/gdb/target.h"
#include "kernel_shim/gdb/wire.h"

namespace halfcell::gdb {

class FileService {
  public:
    explicit FileService(Target& target) : target_(target) {}

    // Answers what stands behind "vFile:". `current` is the process whose files are meant where gdb names
    // none. Empty where the operation is not known.
    std::string answer(Reader reader, std::uint64_t current);

  private:
    std::string set_file_system(Reader reader);
    std::string open(Reader reader, std::uint64_t current);
    std::string read(Reader reader);
    std::string status(Reader reader);
    std::string close(Reader reader);
    std::string read_link(Reader reader, std::uint64_t current);
    [[nodiscard]] std::uint64_t owner(std::uint64_t current) const {
        return process_ != 0 ? process_ : current;
    }

    static constexpr std::size_t kMostFiles = 64;

    Target& target_;
    std::uint64_t process_ = 0;  // by setfs; 0: the current one
    std::map<std::uint64_t, std::unique_ptr<TargetFile>> files_;
    std::uint64_t next_ = 0;
};

}  // namespace halfcell::gdb
