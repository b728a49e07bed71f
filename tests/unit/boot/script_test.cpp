#include "kernel_shim/boot/script.h"

#include <doctest/doctest.h>
#include <elf.h>

#include <cstring>
#include <vector>

using namespace halfcell;
using boot::ScriptLine;

namespace {

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string parsed(std::string_view text) {
    const auto line = boot::parse_script(bytes(text));
    if (!line) return abi::errno_name(line.error());
    if (!*line) return "no script";
    return "<" + (*line)->interpreter + ">" + ((*line)->argument ? "<" + *(*line)->argument + ">" : "");
}

std::vector<std::byte> elf(std::uint32_t segment_type) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_phoff = sizeof header;
    header.e_phnum = 2;
    Elf64_Phdr segments[2]{};
    segments[1].p_type = segment_type;
    std::vector<std::byte> file(sizeof header + sizeof segments);
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, segments, sizeof segments);
    return file;
}

}  // namespace

TEST_CASE("an interpreter, and what else stands on the line as one argument") {
    CHECK(parsed("#!/bin/sh\necho") == "</bin/sh>");
    CHECK(parsed("#!  /bin/sh\n") == "</bin/sh>");
    CHECK(parsed("#!/usr/bin/env   -S a b\nrest") == "</usr/bin/env><-S a b>");
    CHECK(parsed("#!/bin/sh  \n") == "</bin/sh>");
    CHECK(parsed("#!/bin/sh") == "</bin/sh>");
    CHECK(parsed("#!sh\tx\n") == "<sh\tx>");  // only a blank ends the name
}

TEST_CASE("what is no script, and what is a bad one") {
    CHECK(parsed("/bin/sh\n") == "no script");
    CHECK(parsed("") == "no script");
    CHECK(parsed("#") == "no script");
    CHECK(parsed("#!") == "ENOEXEC");
    CHECK(parsed("#!  \n/bin/sh\n") == "ENOEXEC");
    CHECK(parsed(std::string_view("#!/bin/s\0h\n", 11)) == "ENOEXEC");
    CHECK(parsed("#!" + std::string(5000, 'x')) == "E2BIG");
    CHECK(parsed("#!" + std::string(4094, 'x') + "\n") == "<" + std::string(4094, 'x') + ">");
}

TEST_CASE("scripts and dynamic programs are opened by name") {
    CHECK(boot::is_opened_by_name(bytes("#!/bin/sh\n")));
    CHECK(boot::is_opened_by_name(elf(PT_INTERP)));
    CHECK_FALSE(boot::is_opened_by_name(elf(PT_LOAD)));
    CHECK_FALSE(boot::is_opened_by_name(bytes("text")));
    CHECK_FALSE(boot::is_opened_by_name({}));
    const auto whole = elf(PT_INTERP);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK_FALSE(boot::is_opened_by_name(std::span(whole).first(size)));
}
