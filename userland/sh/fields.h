#pragma once

// From the expanded parts of a word to its fields: splitting at IFS, and the difference between a '*' that
// was quoted and one that was not. Pure; tested on the host.

#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland::sh {

// A piece of an expanded word.
struct Fragment {
    std::string text;
    bool quoted = false;
    // The result of an unquoted expansion: split at the characters of IFS.
    bool splits = false;
    // A new field begins here whatever IFS is: between the elements of "$@".
    bool starts_field = false;
};

// One field, both as the text it stands for and as a pattern in which quoted characters are escaped.
struct Field {
    std::string text;
    std::string pattern;
    // Whether an unquoted '*', '?' or '[' is in it.
    bool has_pattern = false;
};

std::vector<Field> split_fields(const std::vector<Fragment>& fragments, std::string_view ifs);

// All fragments as one field.
Field join_fragments(const std::vector<Fragment>& fragments);

// Splits a line as `read` does: at most `count` fields, the last one with all that is left. A character
// behind a backslash (marked in `escaped`, as long as the line) neither splits nor is trimmed.
std::vector<std::string> split_line(std::string_view line, const std::vector<bool>& escaped,
                                    std::string_view ifs, std::size_t count);

}  // namespace halfcell::userland::sh
