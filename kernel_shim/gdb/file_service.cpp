#include "kernel_shim/gdb/file_service.h"

#include <algorithm>
#include <vector>

namespace halfcell::gdb {

namespace {

constexpr std::uint64_t kReadOnly = 0;
constexpr std::uint64_t kAccessMask = 3;

// The File-I/O protocol's numbers of errors. Source: the GDB manual, "Errno Values".
std::uint64_t protocol_errno(Errno error) {
    switch (error) {
        case Errno::kEPERM:
        case Errno::kENOENT:
        case Errno::kEINTR:
        case Errno::kEBADF:
        case Errno::kEACCES:
        case Errno::kEFAULT:
        case Errno::kEBUSY:
        case Errno::kEEXIST:
        case Errno::kENODEV:
        case Errno::kENOTDIR:
        case Errno::kEISDIR:
        case Errno::kEINVAL:
        case Errno::kENFILE:
        case Errno::kEMFILE:
        case Errno::kEFBIG:
        case Errno::kENOSPC:
        case Errno::kESPIPE:
        case Errno::kEROFS:
            return static_cast<std::uint64_t>(error);
        case Errno::kENAMETOOLONG:
            return 91;
        default:
            return 9999;
    }
}

std::string failure(Errno error) {
    return "F-1," + hex_number(protocol_errno(error));
}

std::string success(std::uint64_t value) {
    return "F" + hex_number(value);
}

// As much of `bytes` as fits into a packet with its escapes.
std::string attachment(std::string_view bytes) {
    constexpr std::size_t kRoomForResult = 32;
    std::size_t size = bytes.size();
    std::string escaped = escape(bytes);
    while (escaped.size() > kPacketSize - kRoomForResult) {
        size /= 2;
        escaped = escape(bytes.substr(0, size));
    }
    return success(size) + ";" + escaped;
}

void append_big_endian(std::string& to, std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0)
        to.push_back(static_cast<char>(value >> (8 * bytes)));
}

// struct stat of the protocol.
std::string encode(const FileStatus& status) {
    constexpr std::uint64_t kBlock = 512;
    constexpr std::uint64_t kTypeAndPermissions = 0177777;
    std::string bytes;
    append_big_endian(bytes, 0, 4);  // device
    append_big_endian(bytes, 0, 4);  // inode
    append_big_endian(bytes, status.mode & kTypeAndPermissions, 4);
    append_big_endian(bytes, 1, 4);  // links
    append_big_endian(bytes, 0, 4);  // user
    append_big_endian(bytes, 0, 4);  // group
    append_big_endian(bytes, 0, 4);  // device of a special file
    append_big_endian(bytes, status.size, 8);
    append_big_endian(bytes, kBlock, 8);
    append_big_endian(bytes, (status.size + kBlock - 1) / kBlock, 8);
    for (int time = 0; time < 3; ++time)
        append_big_endian(bytes, status.modified, 4);
    return bytes;
}

}  // namespace

std::string FileService::answer(Reader reader, std::uint64_t current) {
    if (reader.skip("setfs:")) return set_file_system(reader);
    if (reader.skip("open:")) return open(reader, current);
    if (reader.skip("pread:")) return read(reader);
    if (reader.skip("fstat:")) return status(reader);
    if (reader.skip("close:")) return close(reader);
    if (reader.skip("readlink:")) return read_link(reader, current);
    return "";
}

std::string FileService::set_file_system(Reader reader) {
    const auto process = reader.number();
    if (!process) return failure(Errno::kEINVAL);
    process_ = *process;
    return success(0);
}

// open:NAME,FLAGS,MODE
std::string FileService::open(Reader reader, std::uint64_t current) {
    const auto path = from_hex(reader.until(','));
    const auto flags = reader.number();
    if (!path || !flags) return failure(Errno::kEINVAL);
    if ((*flags & kAccessMask) != kReadOnly) return failure(Errno::kEROFS);
    if (files_.size() == kMostFiles) return failure(Errno::kEMFILE);
    auto file = target_.open_file(owner(current), *path);
    if (!file) return failure(file.error());
    files_[next_] = std::move(*file);
    return success(next_++);
}

// pread:FILE,COUNT,OFFSET
std::string FileService::read(Reader reader) {
    const auto number = reader.number();
    const bool first = reader.skip(",");
    const auto count = reader.number();
    const bool second = reader.skip(",");
    const auto offset = reader.number();
    if (!number || !first || !count || !second || !offset) return failure(Errno::kEINVAL);
    const auto file = files_.find(*number);
    if (file == files_.end()) return failure(Errno::kEBADF);
    std::vector<std::byte> bytes(std::min<std::uint64_t>(*count, kPacketSize));
    const auto read = file->second->read(*offset, bytes);
    if (!read) return failure(read.error());
    return attachment(as_text(bytes).substr(0, *read));
}

std::string FileService::status(Reader reader) {
    const auto number = reader.number();
    const auto file = number ? files_.find(*number) : files_.end();
    if (file == files_.end()) return failure(Errno::kEBADF);
    const auto status = file->second->status();
    return status ? attachment(encode(*status)) : failure(status.error());
}

std::string FileService::close(Reader reader) {
    const auto number = reader.number();
    return number && files_.erase(*number) == 1 ? success(0) : failure(Errno::kEBADF);
}

std::string FileService::read_link(Reader reader, std::uint64_t current) {
    const auto path = from_hex(reader.rest());
    if (!path) return failure(Errno::kEINVAL);
    const auto target = target_.read_link(owner(current), *path);
    return target ? attachment(*target) : failure(target.error());
}

}  // namespace halfcell::gdb
