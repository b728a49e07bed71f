#pragma once

// Classes of characters in shell programs; arguments are bytes or Source::kEnd.

#include <string_view>

namespace halfcell::userland::sh {

constexpr bool is_digit(int c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_name_start(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_name_character(int c) {
    return is_name_start(c) || is_digit(c);
}
constexpr bool is_blank(int c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_operator_start(int c) {
    return c == '&' || c == '|' || c == ';' || c == '<' || c == '>' || c == '(' || c == ')';
}
constexpr bool is_special_parameter(int c) {
    return c == '@' || c == '*' || c == '#' || c == '?' || c == '-' || c == '$' || c == '!';
}
constexpr bool is_name(std::string_view text) {
    if (text.empty() || !is_name_start(static_cast<unsigned char>(text[0]))) return false;
    for (const char c : text) {
        if (!is_name_character(static_cast<unsigned char>(c))) return false;
    }
    return true;
}
constexpr bool is_number(std::string_view text) {
    if (text.empty()) return false;
    for (const char c : text) {
        if (!is_digit(static_cast<unsigned char>(c))) return false;
    }
    return true;
}

}  // namespace halfcell::userland::sh
