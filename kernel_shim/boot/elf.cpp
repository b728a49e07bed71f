#include "kernel_shim/boot/elf.h"

#include <elf.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "kernel_shim/machine/page_range.h"

namespace halfcell::boot {

namespace {

constexpr std::string_view kRedoxInterpreter = "/lib/ld64.so.1";
// More program headers than any linker makes; relibc refuses more than 1 MiB of them.
constexpr std::uint16_t kMaxProgramHeaders = 1024;
constexpr std::uint64_t kMaxInterpreterLength = 4096;

// A T at an offset, where the file is long enough.
template <typename T>
std::optional<T> read_at(std::span<const std::byte> file, std::uint64_t offset) {
    if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

std::optional<std::span<const std::byte>> part_of(std::span<const std::byte> file, std::uint64_t offset,
                                                  std::uint64_t size) {
    if (offset > file.size() || file.size() - offset < size) return std::nullopt;
    return file.subspan(offset, size);
}

// True where a note segment carries the GNU ABI tag that says Linux.
bool has_linux_note(std::span<const std::byte> notes) {
    constexpr std::uint32_t kAbiTag = 1;
    constexpr std::uint32_t kLinux = 0;
    const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    std::uint64_t at = 0;
    while (const auto note = read_at<Elf64_Nhdr>(notes, at)) {
        const std::uint64_t name_at = at + sizeof(Elf64_Nhdr);
        const std::uint64_t data_at = name_at + padded(note->n_namesz);
        const auto name = part_of(notes, name_at, note->n_namesz);
        const bool gnu = name && name->size() == 4 && std::memcmp(name->data(), "GNU", 4) == 0;
        if (gnu && note->n_type == kAbiTag && read_at<std::uint32_t>(notes, data_at) == kLinux) return true;
        at = data_at + padded(note->n_descsz);
    }
    return false;
}

std::optional<ElfProblem> check_header(const Elf64_Ehdr& header) {
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return ElfProblem::kNotElf;
    if (header.e_ident[EI_CLASS] != ELFCLASS64) return ElfProblem::kNot64Bit;
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) return ElfProblem::kNotLittleEndian;
    if (header.e_machine != EM_X86_64) return ElfProblem::kWrongMachine;
    if (header.e_ident[EI_OSABI] == ELFOSABI_GNU) return ElfProblem::kLinuxProgram;
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return ElfProblem::kNotExecutable;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) return ElfProblem::kTruncated;
    if (header.e_phnum > kMaxProgramHeaders) return ElfProblem::kTooManySegments;
    return std::nullopt;
}

std::optional<ElfProblem> add_segment(ElfImage& image, const Elf64_Phdr& header, std::uint64_t file_size) {
    if (header.p_memsz == 0) return std::nullopt;
    if (header.p_filesz > header.p_memsz) return ElfProblem::kBadSegment;
    if (header.p_offset > file_size || file_size - header.p_offset < header.p_filesz)
        return ElfProblem::kTruncated;
    if (header.p_vaddr >= machine::kReservedBase || header.p_memsz > machine::kReservedBase - header.p_vaddr)
        return ElfProblem::kBadSegment;
    const bool execute = (header.p_flags & PF_X) != 0;
    const ElfSegment segment{.file_offset = header.p_offset,
                             .file_size = header.p_filesz,
                             .address = header.p_vaddr,
                             .memory_size = header.p_memsz,
                             .write = (header.p_flags & PF_W) != 0 && !execute,  // as relibc: never both
                             .execute = execute};
    if (!image.segments.empty() && segment.first_page() < image.segments.back().end_page())
        return ElfProblem::kSegmentsOverlap;
    image.segments.push_back(segment);
    return std::nullopt;
}

std::optional<ElfProblem> read_interpreter(ElfImage& image, std::span<const std::byte> file,
                                           const Elf64_Phdr& header) {
    const auto text = part_of(file, header.p_offset, header.p_filesz);
    if (!text) return ElfProblem::kTruncated;
    if (text->empty() || text->size() > kMaxInterpreterLength || text->back() != std::byte{0})
        return ElfProblem::kBadInterpreter;
    image.interpreter.assign(reinterpret_cast<const char*>(text->data()), text->size() - 1);
    if (image.interpreter.find('\0') != std::string::npos) return ElfProblem::kBadInterpreter;
    if (image.interpreter != kRedoxInterpreter && image.interpreter.find("ld-") != std::string::npos)
        return ElfProblem::kLinuxProgram;
    return std::nullopt;
}

bool entry_is_executable(const ElfImage& image) {
    for (const ElfSegment& segment : image.segments)
        if (segment.execute && image.entry >= segment.address &&
            image.entry - segment.address < segment.memory_size)
            return true;
    return false;
}

// relibc finds the headers in memory through the segment that contains them.
void locate_program_headers(ElfImage& image, const Elf64_Ehdr& header) {
    image.program_header_count = header.e_phnum;
    for (const ElfSegment& segment : image.segments) {
        if (header.e_phoff < segment.file_offset || header.e_phoff - segment.file_offset >= segment.file_size)
            continue;
        image.program_headers = segment.address + (header.e_phoff - segment.file_offset);
        return;
    }
}

}  // namespace

std::string_view describe(ElfProblem problem) {
    switch (problem) {
        case ElfProblem::kNotElf:
            return "not an ELF program";
        case ElfProblem::kTruncated:
            return "the ELF file is truncated or its headers lie";
        case ElfProblem::kNot64Bit:
            return "a 32-bit program; Redox programs here are 64-bit";
        case ElfProblem::kNotLittleEndian:
            return "a big-endian program";
        case ElfProblem::kWrongMachine:
            return "made for another processor; x86-64 is needed";
        case ElfProblem::kNotExecutable:
            return "an ELF file, but not a program (an object file, a core?)";
        case ElfProblem::kLinuxProgram:
            return "a Linux program; halfcell runs programs made for Redox";
        case ElfProblem::kNoSegments:
            return "nothing to load (no PT_LOAD segment)";
        case ElfProblem::kTooManySegments:
            return "more program headers than a linker makes";
        case ElfProblem::kBadSegment:
            return "a segment lies outside user space or is larger in the file than in memory";
        case ElfProblem::kSegmentsOverlap:
            return "segments are out of order or share a page";
        case ElfProblem::kBadEntry:
            return "the entry point is not inside an executable segment";
        case ElfProblem::kBadInterpreter:
            return "the interpreter path is malformed";
    }
    return "not a program";
}

Expected<ElfImage, ElfProblem> parse_elf(std::span<const std::byte> file) {
    if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
        return unexpected(ElfProblem::kNotElf);
    const auto header = read_at<Elf64_Ehdr>(file, 0);
    if (!header) return unexpected(ElfProblem::kTruncated);
    if (const auto problem = check_header(*header)) return unexpected(*problem);

    ElfImage image;
    image.position_independent = header->e_type == ET_DYN;
    image.entry = header->e_entry;
    for (std::uint16_t i = 0; i < header->e_phnum; ++i) {
        const std::uint64_t index_offset = std::uint64_t{i} * sizeof(Elf64_Phdr);
        if (header->e_phoff > UINT64_MAX - index_offset) return unexpected(ElfProblem::kTruncated);
        const auto segment = read_at<Elf64_Phdr>(file, header->e_phoff + index_offset);
        if (!segment) return unexpected(ElfProblem::kTruncated);
        std::optional<ElfProblem> problem;
        if (segment->p_type == PT_LOAD) problem = add_segment(image, *segment, file.size());
        if (segment->p_type == PT_INTERP) problem = read_interpreter(image, file, *segment);
        if (segment->p_type == PT_NOTE) {
            const auto notes = part_of(file, segment->p_offset, segment->p_filesz);
            if (notes && has_linux_note(*notes)) problem = ElfProblem::kLinuxProgram;
        }
        if (problem) return unexpected(*problem);
    }
    if (image.segments.empty()) return unexpected(ElfProblem::kNoSegments);
    if (!entry_is_executable(image)) return unexpected(ElfProblem::kBadEntry);
    locate_program_headers(image, *header);
    return image;
}

}  // namespace halfcell::boot
