#include "abi/dirent.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

using namespace halfcell::abi;
using Write = DirentWriter::Status;
using Read = DirentReader::Status;

namespace {

std::vector<std::uint8_t> record(std::uint16_t record_len, std::size_t bytes, std::uint8_t fill = 0) {
    std::vector<std::uint8_t> buffer(bytes, fill);
    std::memcpy(buffer.data() + offsetof(DirentHeader, record_len), &record_len, sizeof(record_len));
    return buffer;
}

}  // namespace

TEST_CASE("entries come back as they were written") {
    std::array<std::uint8_t, 64> buffer{};
    DirentWriter writer(buffer.data(), buffer.size());
    REQUIRE(writer.append(7, 1, DirentKind::kRegular, "hello", 5) == Write::kOk);
    REQUIRE(writer.append(8, 2, DirentKind::kDirectory, "", 0) == Write::kOk);
    CHECK(writer.written() == (19 + 5 + 1) + (19 + 0 + 1));

    DirentReader reader(buffer.data(), writer.written());
    Dirent entry{};
    REQUIRE(reader.next(entry) == Read::kEntry);
    CHECK(std::string(entry.name, entry.name_length) == "hello");
    const DirentHeader header = entry.header;
    CHECK(std::uint64_t{header.inode} == 7);
    CHECK(std::uint64_t{header.next_opaque_id} == 1);
    CHECK(header.kind == static_cast<std::uint8_t>(DirentKind::kRegular));
    REQUIRE(reader.next(entry) == Read::kEntry);
    CHECK(entry.name_length == 0);
    CHECK(reader.next(entry) == Read::kEnd);
}

TEST_CASE("an entry that fits to the byte is taken, one byte less is not, and nothing is written then") {
    for (const std::size_t capacity : {24U, 25U}) {
        std::vector<std::uint8_t> buffer(capacity, 0xaa);
        DirentWriter writer(buffer.data(), buffer.size());
        const bool fits = capacity == 25;
        CHECK(writer.append(1, 1, DirentKind::kRegular, "hello", 5) == (fits ? Write::kOk : Write::kNoRoom));
        CHECK(writer.written() == (fits ? 25 : 0));
        if (!fits) CHECK(buffer == std::vector<std::uint8_t>(capacity, 0xaa));
    }
}

TEST_CASE("a longer header is zeroed behind what we know of it") {
    std::vector<std::uint8_t> buffer(64, 0xaa);
    DirentWriter writer(buffer.data(), buffer.size(), 24);
    REQUIRE(writer.append(1, 1, DirentKind::kRegular, "x", 1) == Write::kOk);
    CHECK(writer.written() == 26);
    for (std::size_t at = 19; at < 24; ++at)
        CHECK(buffer[at] == 0);
    CHECK(buffer[24] == 'x');
    CHECK(buffer[25] == 0);
    CHECK(buffer[26] == 0xaa);
}

TEST_CASE("a header shorter than the known one is refused") {
    std::array<std::uint8_t, 64> buffer{};
    DirentWriter writer(buffer.data(), buffer.size(), 18);
    CHECK(writer.append(1, 1, DirentKind::kRegular, "x", 1) == Write::kNoRoom);
}

TEST_CASE("names end where a record's length field ends") {
    std::vector<std::uint8_t> buffer(0x10010);
    const std::string name(0xffff, 'n');
    DirentWriter writer(buffer.data(), buffer.size());
    CHECK(writer.append(1, 1, DirentKind::kRegular, name.data(), 0xffff - 19) == Write::kNameTooLong);
    CHECK(writer.append(1, 1, DirentKind::kRegular, name.data(), 0xffff - 20) == Write::kOk);
    CHECK(writer.written() == 0xffff);
    DirentWriter huge_header(buffer.data(), buffer.size(), 0xffff);
    CHECK(huge_header.append(1, 1, DirentKind::kRegular, "", 0) == Write::kNameTooLong);
}

TEST_CASE("a reader stops at records that lie about their length") {
    Dirent entry{};
    SUBCASE("longer than the buffer") {
        const auto buffer = record(41, 40);
        CHECK(DirentReader(buffer.data(), buffer.size()).next(entry) == Read::kInvalid);
    }
    SUBCASE("zero: would never advance") {
        const auto buffer = record(0, 40);
        DirentReader reader(buffer.data(), buffer.size());
        CHECK(reader.next(entry) == Read::kInvalid);
        CHECK(reader.next(entry) == Read::kInvalid);
    }
    SUBCASE("no room for the NUL") {
        const auto buffer = record(19, 40);
        CHECK(DirentReader(buffer.data(), buffer.size()).next(entry) == Read::kInvalid);
    }
    SUBCASE("no NUL") {
        const auto buffer = record(40, 40, 'x');
        CHECK(DirentReader(buffer.data(), buffer.size()).next(entry) == Read::kInvalid);
    }
    SUBCASE("a tail shorter than a header is the end") {
        const auto buffer = record(40, 40);
        CHECK(DirentReader(buffer.data(), 18).next(entry) == Read::kEnd);
        CHECK(DirentReader(buffer.data(), 0).next(entry) == Read::kEnd);
    }
}

TEST_CASE("the padding of a record is not part of the name") {
    auto buffer = record(24, 48);
    buffer[19] = 'a';
    const auto second = record(24, 24);
    std::copy(second.begin(), second.end(), buffer.begin() + 24);
    std::memcpy(buffer.data() + 24 + 19, "name", 4);
    DirentReader reader(buffer.data(), buffer.size());
    Dirent entry{};
    REQUIRE(reader.next(entry) == Read::kEntry);
    CHECK(std::string(entry.name, entry.name_length) == "a");
    REQUIRE(reader.next(entry) == Read::kEntry);
    CHECK(std::string(entry.name, entry.name_length) == "name");
    CHECK(reader.next(entry) == Read::kEnd);
}

TEST_CASE("kinds follow the mode") {
    CHECK(dirent_kind(Mode::kDir | 0755) == DirentKind::kDirectory);
    CHECK(dirent_kind(Mode::kFile) == DirentKind::kRegular);
    CHECK(dirent_kind(Mode::kSymlink) == DirentKind::kSymlink);
    CHECK(dirent_kind(Mode::kChr) == DirentKind::kCharDev);
    CHECK(dirent_kind(Mode::kSock) == DirentKind::kSocket);
    CHECK(dirent_kind(Mode::kFifo) == DirentKind::kUnspecified);
}
