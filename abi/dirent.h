#pragma once

// Directory entries as getdents packs them: a header, the name, a NUL; the next record follows. It follows
// without padding, but for servers made with redox_syscall 0.7.5: they fill records up with NULs to a
// multiple of eight bytes. Both directions check every length, since the other side of the buffer is a
// program that may be hostile. Source: redox_syscall 0.7.4 and 0.7.5, src/dirent.rs.

#include <cstddef>
#include <cstdint>

#include "abi/flags.h"

namespace halfcell::abi {

struct [[gnu::packed]] DirentHeader {
    std::uint64_t inode;
    // Where the next getdents goes on when this entry was the last one used.
    std::uint64_t next_opaque_id;
    std::uint16_t record_len;
    std::uint8_t kind;  // DirentKind
};

// The kind that belongs to a st_mode. FIFOs have none.
constexpr DirentKind dirent_kind(std::uint16_t mode) {
    switch (mode & Mode::kType) {
        case Mode::kDir:
            return DirentKind::kDirectory;
        case Mode::kFile:
            return DirentKind::kRegular;
        case Mode::kSymlink:
            return DirentKind::kSymlink;
        case Mode::kChr:
            return DirentKind::kCharDev;
        case Mode::kSock:
            return DirentKind::kSocket;
        default:
            return DirentKind::kUnspecified;
    }
}

// Packs entries into a buffer until one does not fit.
class DirentWriter {
  public:
    enum class Status : std::uint8_t {
        kOk,
        kNoRoom,  // EINVAL as the result of a call whose first entry does not fit, else the end of this batch
        kNameTooLong,  // no record can hold the name (upstream: EINVAL above 65535 bytes, ENAMETOOLONG else)
    };

    // `header_size` is what the caller of getdents named; the bytes behind DirentHeader are zeroed. A size
    // below sizeof(DirentHeader) makes every append answer kNoRoom.
    DirentWriter(std::uint8_t* buffer, std::size_t capacity, std::uint16_t header_size = sizeof(DirentHeader))
        : buffer_(buffer), capacity_(capacity), header_size_(header_size) {}

    // Appends one entry; on an error nothing is written. Never blocks.
    Status append(std::uint64_t inode, std::uint64_t next_opaque_id, DirentKind kind, const char* name,
                  std::size_t name_length) {
        if (header_size_ < sizeof(DirentHeader)) return Status::kNoRoom;
        if (name_length > 0xffff) return Status::kNameTooLong;
        const std::size_t record = header_size_ + name_length + 1;
        if (record > 0xffff) return Status::kNameTooLong;
        if (record > capacity_ - written_) return Status::kNoRoom;
        const DirentHeader header{inode, next_opaque_id, static_cast<std::uint16_t>(record),
                                  static_cast<std::uint8_t>(kind)};
        std::uint8_t* at = buffer_ + written_;
        __builtin_memcpy(at, &header, sizeof(header));
        __builtin_memset(at + sizeof(header), 0, header_size_ - sizeof(header));
        if (name_length != 0) __builtin_memcpy(at + header_size_, name, name_length);
        at[record - 1] = 0;
        written_ += record;
        return Status::kOk;
    }

    // Bytes packed so far: getdents' result.
    [[nodiscard]] std::size_t written() const { return written_; }

  private:
    std::uint8_t* buffer_;
    std::size_t capacity_;
    std::uint16_t header_size_;
    std::size_t written_ = 0;
};

// One entry of a packed buffer; the name points into it and is followed by a NUL.
struct Dirent {
    DirentHeader header;
    const char* name;
    std::size_t name_length;
};

// Walks a packed buffer. Stricter than upstream, which faults on a record shorter than its header.
class DirentReader {
  public:
    enum class Status : std::uint8_t {
        kEntry,
        kEnd,      // fewer bytes left than a header takes
        kInvalid,  // a record leaves the buffer, is too short for a name's NUL, or lacks it
    };

    DirentReader(const std::uint8_t* buffer, std::size_t length) : at_(buffer), left_(length) {}

    // The next entry goes to `out`. After kInvalid every further call answers kInvalid too. Never blocks.
    Status next(Dirent& out) {
        if (left_ < sizeof(DirentHeader)) return Status::kEnd;
        DirentHeader header;
        __builtin_memcpy(&header, at_, sizeof(header));
        const std::size_t record = header.record_len;
        if (record > left_ || record <= sizeof(header) || at_[record - 1] != 0) return Status::kInvalid;
        out.header = header;
        out.name = reinterpret_cast<const char*>(at_ + sizeof(header));
        // Libc takes the name as a C string, too.
        out.name_length = __builtin_strlen(out.name);
        at_ += record;
        left_ -= record;
        return Status::kEntry;
    }

  private:
    const std::uint8_t* at_;
    std::size_t left_;
};

}  // namespace halfcell::abi
