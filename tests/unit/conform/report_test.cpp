#include "kernel_shim/conform/report.h"

#include <doctest/doctest.h>

#include "kernel_shim/base/json.h"

namespace halfcell::conform {
namespace {

Findings some() {
    return {{{"fd", "dup", "userland", "", "kernel:fs.rs dup"}, Verdict::kPass, "", ""},
            {{"fd", "close", "userland", "safer", "kernel:fs.rs close"}, Verdict::kPass, "safer", ""},
            {{"boot", "a<b>&\"c\"", "boot", "", "kernel:x"}, Verdict::kFail, "", "got\x01 <EBADF>"},
            {{"boot", "late", "boot", "", "kernel:x"}, Verdict::kSkip, "", "not here"}};
}

TEST_CASE("the list of probes: its lines, and what words choose") {
    const auto all = parse_probe_list(
        "fd/dup\tuserland\t\tkernel:a\nnoise\nfd\tuserland\t\tx\nfd/close\tboot\tsafer\tb c\n");
    REQUIRE(all.size() == 2);
    CHECK(all[0].full_name() == "fd/dup");
    CHECK(all[0].deviation.empty());
    CHECK(all[1].surroundings == "boot");
    CHECK(all[1].upstream == "b c");
    std::string unknown;
    CHECK(select_probes(all, {}, unknown).size() == 2);
    CHECK(select_probes(all, {"fd"}, unknown).size() == 2);
    CHECK(select_probes(all, {"fd/close", "fd/close"}, unknown).size() == 1);
    CHECK(unknown.empty());
    CHECK(select_probes(all, {"close", "fd"}, unknown).size() == 2);
    CHECK(unknown == "close");
}

TEST_CASE("the table counts by area and shows what did not pass") {
    const std::string table = render_table(some(), {});
    CHECK(table.find("fd       2     0     0  1 safer\n") != std::string::npos);
    CHECK(table.find("boot     0     1     1\n") != std::string::npos);
    CHECK(table.find("fail  boot/a<b>&\"c\": got\x01 <EBADF>\n      Redox decides it in kernel:x\n") !=
          std::string::npos);
    CHECK(table.find("skip  boot/late: not here\n") != std::string::npos);
    CHECK(table.find("pass ") == table.find("pass  fail"));
    CHECK(table.ends_with("2 passed (deviating on purpose: 1 safer), 1 failed, 1 skipped\n"));
    CHECK(render_table(some(), {.every_probe = true}).find("pass  fd/close (safer)\n") != std::string::npos);
    CHECK(render_table(some(), {.colour = true}).find("\033[31mfail \033[0m boot/") != std::string::npos);
    CHECK(any_failed(some()));
    CHECK_FALSE(any_failed({some()[0], some()[3]}));
}

TEST_CASE("JSON has six keys, and null for no deviation") {
    const auto list = parse_json(render_json(some()));
    REQUIRE(list);
    REQUIRE(list->size() == 4);
    CHECK((*list)[0].size() == 6);
    CHECK((*list)[0]["deviation"].is_null());
    CHECK((*list)[1]["deviation"] == "safer");
    CHECK((*list)[2]["result"] == "fail");
    CHECK((*list)[3]["result"] == "skip");
    CHECK((*list)[3]["detail"] == "not here");
}

TEST_CASE("JUnit's XML has nothing unescaped") {
    const std::string xml = render_junit(some());
    CHECK(xml.find("<testsuite name=\"fd\" tests=\"2\" failures=\"0\" skipped=\"0\">") != std::string::npos);
    CHECK(xml.find("name=\"a&lt;b&gt;&amp;&quot;c&quot;\"") != std::string::npos);
    CHECK(xml.find("<failure message=\"got  &lt;EBADF&gt;\"/>") != std::string::npos);
    CHECK(xml.find("<skipped message=\"not here\"/>") != std::string::npos);
    CHECK(xml.find('\x01') == std::string::npos);
}

}  // namespace
}  // namespace halfcell::conform
