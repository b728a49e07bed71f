#include "userland/rt/elf_loader.h"

#include <cstring>
#include <string_view>
#include <vector>

#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

struct FileHeader {
    std::uint8_t ident[16];
    std::uint16_t type;
    std::uint16_t machine;
    std::uint32_t version;
    std::uint64_t entry;
    std::uint64_t program_headers;
    std::uint64_t section_headers;
    std::uint32_t flags;
    std::uint16_t size;
    std::uint16_t program_header_size;
    std::uint16_t program_header_count;
    std::uint16_t section_header_size;
    std::uint16_t section_header_count;
    std::uint16_t names;
};
static_assert(sizeof(FileHeader) == 64);

struct ProgramHeader {
    std::uint32_t type;
    std::uint32_t flags;
    std::uint64_t offset;
    std::uint64_t address;
    std::uint64_t physical;
    std::uint64_t file_size;
    std::uint64_t memory_size;
    std::uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

constexpr std::uint16_t kExecutable = 2;
constexpr std::uint16_t kDynamic = 3;
constexpr std::uint16_t kX86_64 = 62;
constexpr std::uint32_t kLoad = 1;
constexpr std::uint32_t kInterpreter = 3;
constexpr std::uint32_t kNote = 4;
constexpr std::uint32_t kExecute = 1;
constexpr std::uint32_t kWrite = 2;
constexpr std::uint32_t kRead = 4;
constexpr std::uint64_t kMostHeaderBytes = 1024 * 1024;
constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 47;
constexpr std::uint64_t kLongestPath = 4096;

Result<void> read_at(Fd file, std::uint64_t offset, std::span<std::byte> bytes) {
    RT_TRY(sys_lseek(file, static_cast<std::int64_t>(offset), abi::SeekWhence::kSet));
    return RT_TRY(read_full(file, bytes)) == bytes.size() ? Result<void>() : Errno::kENOEXEC;
}

Result<FileHeader> read_header(Fd file) {
    FileHeader header{};
    RT_TRY(read_at(file, 0, std::as_writable_bytes(std::span(&header, 1))));
    constexpr std::uint8_t kStart[] = {0x7F, 'E', 'L', 'F', 2, 1};
    for (std::size_t i = 0; i < sizeof(kStart); ++i) {
        if (header.ident[i] != kStart[i]) return Errno::kENOEXEC;
    }
    const bool known = (header.type == kExecutable || header.type == kDynamic) && header.machine == kX86_64 &&
                       header.program_header_size == sizeof(ProgramHeader);
    if (!known) return Errno::kENOEXEC;
    return header;
}

Result<std::vector<ProgramHeader>> read_program_headers(Fd file, const FileHeader& header) {
    std::vector<ProgramHeader> segments(header.program_header_count);
    const auto bytes = std::as_writable_bytes(std::span(segments));
    if (bytes.size() + sizeof(FileHeader) > kMostHeaderBytes) return Errno::kE2BIG;
    if (!read_at(file, header.program_headers, bytes)) return Errno::kEIO;
    return segments;
}

// The pages all segments lie in.
struct Span {
    std::uint64_t begin = ~std::uint64_t{0};
    std::uint64_t end = 0;
};

Result<Span> span_of(std::span<const ProgramHeader> segments) {
    Span span;
    for (const ProgramHeader& segment : segments) {
        if (segment.type != kLoad) continue;
        if (segment.file_size > segment.memory_size || segment.address > kUserEnd ||
            segment.memory_size > kUserEnd - segment.address) {
            return Errno::kENOEXEC;
        }
        const std::uint64_t begin = page_start(segment.address);
        const std::uint64_t end = page_end(segment.address + segment.memory_size);
        span.begin = begin < span.begin ? begin : span.begin;
        span.end = end > span.end ? end : span.end;
    }
    if (span.begin >= span.end) return Errno::kENOEXEC;
    return span;
}

// Nothing is writable and executable at once.
std::uint64_t protection_of(const ProgramHeader& segment) {
    std::uint64_t flags = (segment.flags & kRead) != 0 ? abi::MapFlags::kProtRead : 0;
    if ((segment.flags & kExecute) != 0) return flags | abi::MapFlags::kProtExec;
    if ((segment.flags & kWrite) != 0) flags |= abi::MapFlags::kProtWrite;
    return flags;
}

Result<void> load_segment(Fd file, ForeignSpace& space, const ProgramHeader& segment, std::uint64_t base) {
    const std::uint64_t begin = base + page_start(segment.address);
    const std::uint64_t within = segment.address - page_start(segment.address);
    const std::uint64_t size = page_end(within + segment.memory_size);
    if (size == 0) return {};
    RT_TRY(space.map(begin, size, protection_of(segment) | abi::MapFlags::kMapFixed));
    if (segment.file_size == 0) return {};
    const Window window = RT_TRY(space.window(begin, within + segment.file_size));
    return read_at(file, segment.offset, window.bytes().subspan(within, segment.file_size));
}

Result<std::string> read_interpreter(Fd file, const ProgramHeader& segment) {
    if (segment.file_size == 0 || segment.file_size > kLongestPath) return Errno::kENOEXEC;
    std::string path(segment.file_size, '\0');
    RT_TRY(read_at(file, segment.offset, std::as_writable_bytes(std::span(path))));
    if (path.back() != '\0') return Errno::kENOEXEC;
    path.resize(path.find('\0'));
    return path;
}

// Where a note segment carries the GNU ABI tag, whose first word is 0 for Linux.
bool has_linux_note(std::span<const std::byte> notes) {
    struct NoteHeader {
        std::uint32_t name_size;
        std::uint32_t size;
        std::uint32_t type;
    };
    constexpr std::uint32_t kAbiTag = 1;
    constexpr std::string_view kName("GNU", 4);
    const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    while (notes.size() >= sizeof(NoteHeader)) {
        NoteHeader header;
        std::memcpy(&header, notes.data(), sizeof header);
        notes = notes.subspan(sizeof header);
        const std::uint64_t whole = padded(header.name_size) + padded(header.size);
        if (whole > notes.size()) return false;
        const std::string_view name(reinterpret_cast<const char*>(notes.data()), header.name_size);
        if (name == kName && header.type == kAbiTag && header.size >= sizeof(std::uint32_t)) {
            std::uint32_t system = 0;
            std::memcpy(&system, notes.data() + padded(header.name_size), sizeof system);
            return system == 0;
        }
        notes = notes.subspan(whole);
    }
    return false;
}

}  // namespace

Result<bool> is_made_for_linux(Fd file) {
    constexpr std::size_t kAbi = 7;
    constexpr std::uint8_t kLinuxAbi = 3;
    constexpr std::uint64_t kMostNotes = 4096;
    const FileHeader header = RT_TRY(read_header(file));
    if (header.ident[kAbi] == kLinuxAbi) return true;
    const std::vector<ProgramHeader> segments = RT_TRY(read_program_headers(file, header));
    for (const ProgramHeader& segment : segments) {
        if (segment.type == kInterpreter) {
            const std::string interpreter = RT_TRY(read_interpreter(file, segment));
            if (interpreter.find("/ld-linux") != std::string::npos) return true;
        }
        if (segment.type != kNote || segment.file_size > kMostNotes) continue;
        std::vector<std::byte> notes(segment.file_size);
        RT_TRY(read_at(file, segment.offset, notes));
        if (has_linux_note(notes)) return true;
    }
    return false;
}

Result<LoadedImage> load_elf(Fd file, ForeignSpace& space) {
    const FileHeader header = RT_TRY(read_header(file));
    const std::vector<ProgramHeader> segments = RT_TRY(read_program_headers(file, header));
    const Span span = RT_TRY(span_of(segments));
    LoadedImage image;
    // The whole span is taken at once, so that nothing else comes to lie between the segments.
    if (header.type == kDynamic) {
        image.base = RT_TRY(space.map(0, span.end - span.begin, 0)) - span.begin;
    } else {
        RT_TRY(space.map(span.begin, span.end - span.begin, abi::MapFlags::kMapFixedNoreplace));
    }
    image.end = image.base + span.end;
    image.entry = image.base + header.entry;
    image.header_count = header.program_header_count;
    for (const ProgramHeader& segment : segments) {
        if (segment.type == kInterpreter) image.interpreter = RT_TRY(read_interpreter(file, segment));
        if (segment.type != kLoad) continue;
        RT_TRY(load_segment(file, space, segment, image.base));
        if (segment.offset <= header.program_headers &&
            header.program_headers - segment.offset < segment.file_size) {
            image.headers = image.base + segment.address + (header.program_headers - segment.offset);
        }
    }
    return image;
}

}  // namespace halfcell::userland
