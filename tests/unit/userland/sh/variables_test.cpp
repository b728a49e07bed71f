#include "userland/sh/variables.h"

#include <doctest/doctest.h>

using namespace halfcell::userland::sh;

TEST_CASE("variables keep their attributes") {
    Variables variables;
    CHECK(variables.set("b", "2"));
    CHECK(variables.set("a", "1"));
    CHECK_FALSE(variables.value("c").has_value());
    variables.set_exported("b");
    variables.set_exported("none");
    CHECK(variables.environment() == std::vector<std::string>{"b=2"});
    CHECK(variables.set("b", "3"));
    CHECK(variables.environment() == std::vector<std::string>{"b=3"});
    variables.set_read_only("a");
    CHECK_FALSE(variables.set("a", "9"));
    CHECK_FALSE(variables.unset("a"));
    CHECK(*variables.value("a") == "1");
    CHECK(variables.unset("b"));
    CHECK(variables.unset("never"));
    CHECK(variables.find("b") == nullptr);
}

TEST_CASE("local variables end with their scope") {
    Variables variables;
    CHECK(variables.set("x", "outer"));
    CHECK_FALSE(variables.make_local("x"));
    variables.begin_scope();
    CHECK(variables.make_local("x"));
    CHECK(variables.make_local("new"));
    CHECK(*variables.value("x") == "outer");
    CHECK(variables.set("x", "inner"));
    CHECK(variables.set("new", "1"));
    CHECK(variables.set("global", "1"));
    variables.begin_scope();
    CHECK(variables.make_local("x"));
    CHECK(variables.unset("x"));
    variables.end_scope();
    CHECK(*variables.value("x") == "inner");
    variables.end_scope();
    CHECK(*variables.value("x") == "outer");
    CHECK(variables.find("new") == nullptr);
    CHECK(*variables.value("global") == "1");
}
