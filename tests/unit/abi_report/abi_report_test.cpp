#include "kernel_shim/abi_report/abi_report.h"

#include <doctest/doctest.h>
#include <set>

#include "kernel_shim/abi_report/abi_tables.h"
#include "kernel_shim/base/hash.h"
#include "kernel_shim/base/json.h"

using namespace halfcell;
using namespace halfcell::abi_report;

namespace {

Json our_report() {
    return *parse_json(abi_json());
}

std::vector<std::string> differences(const Json& other) {
    return *abi_differences(dump_json(other));
}

}  // namespace

TEST_CASE("the report has Rust's names and the values of the wire") {
    const Json report = our_report();
    CHECK(report["epoch"] == "0.7.4");
    CHECK(report["constants"]["SYS_READ"] == 570425347);
    CHECK(report["constants"]["SendFdFlags::CLONE"] == 2);
    CHECK(report["constants"]["StdFsCallKind::Fchmod"] == 1);
    CHECK(report["constants"]["EPERM"] == 1);
    CHECK(report["constants"]["ContextVerb::ForceKill"] == 18446744073709551615ULL);
    CHECK(report["types"]["Stat"]["fields"]["st_dev"]["offset"] == 0);
    CHECK(report["types"]["Stat"]["fields"]["st_mtime"]["size"] == 8);
    CHECK(report["types"]["DirentHeader"]["size"] == 19);
}

TEST_CASE("the fingerprint is the hash of the report without it, compact and sorted") {
    Json report = our_report();
    const std::string printed = report["fingerprint"];
    report.erase("fingerprint");
    CHECK(printed == xxh3_text(xxh3_64(dump_json(report))));
    CHECK(printed == fingerprint());
}

TEST_CASE("no two rows have the same full name") {
    std::set<std::string> names;
    for (const Table& table : upstream_tables())
        for (const abi::NamedValue& row : table.rows)
            CHECK_MESSAGE(names.insert(full_name(table, row)).second, full_name(table, row));
    for (const Table& table : protocol_tables())
        for (const abi::NamedValue& row : table.rows)
            CHECK_MESSAGE(names.insert(full_name(table, row)).second, full_name(table, row));
}

TEST_CASE("values fit into the width of their table") {
    for (const Table& table : upstream_tables())
        for (const abi::NamedValue& row : table.rows)
            if (table.width < 8) CHECK_MESSAGE((row.value >> (8 * table.width)) == 0, full_name(table, row));
}

TEST_CASE("a report equals itself") {
    CHECK(differences(our_report()).empty());
}

TEST_CASE("every kind of difference is found and named") {
    Json other = our_report();
    SUBCASE("missing there") {
        other["constants"].erase("SYS_READ");
        CHECK(differences(other) == std::vector<std::string>{"+ SYS_READ = 570425347"});
    }
    SUBCASE("extra there") {
        other["constants"]["SYS_OPEN"] = 5;
        CHECK(differences(other) == std::vector<std::string>{"- SYS_OPEN = 5"});
    }
    SUBCASE("another value") {
        other["constants"]["EPERM"] = 2;
        CHECK(differences(other) == std::vector<std::string>{"! EPERM: 2 there, 1 here"});
    }
    SUBCASE("another offset") {
        other["types"]["Stat"]["fields"]["st_dev"]["offset"] = 8;
        CHECK(differences(other) ==
              std::vector<std::string>{"! type Stat.fields.st_dev.offset: 8 there, 0 here"});
    }
    SUBCASE("a type without fields that is missing there") {
        other["types"].erase("Opcode");
        CHECK(differences(other).size() == 3);
    }
    SUBCASE("another epoch and no fingerprint") {
        other["epoch"] = "0.9.0";
        other.erase("fingerprint");
        CHECK(differences(other).size() == 2);
    }
}

TEST_CASE("what is no ABI description is EINVAL") {
    for (const char* text : {"", "[]", "{}", "{\"constants\":{}}", "{\"constants\":[],\"types\":{}}", "3"})
        CHECK_FALSE(abi_differences(text).has_value());
}

TEST_CASE("a field that became an object is a difference") {
    Json other = our_report();
    other["types"]["Stat"]["size"] = Json{{"a", 1}};
    CHECK(differences(other) == std::vector<std::string>{"+ type Stat.size = 104", "- type Stat.size.a = 1"});
}

TEST_CASE("the text for people has every name, and escapes only with colour") {
    const std::string plain = abi_text(false);
    CHECK(plain.find("SYS_FUTEX") != std::string::npos);
    CHECK(plain.find("Bad file number") != std::string::npos);
    CHECK(plain.find("st_ctime_nsec") != std::string::npos);
    CHECK(plain.find("AT_REDOX_CWD_FD") != std::string::npos);
    CHECK(plain.find('\033') == std::string::npos);
    CHECK(abi_text(true).find("\033[1m") != std::string::npos);
}
