#include "userland/sh/fields.h"

namespace halfcell::userland::sh {
namespace {

bool is_white(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

// Adds text to a field, and its escaped form to the field's pattern.
void append_text(Field& field, std::string_view text, bool quoted) {
    field.text.append(text);
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == '!' || c == '-' || c == '^') {
            // A backslash that an expansion brought is left as it is: in a pattern it escapes.
            if (quoted) field.pattern.push_back('\\');
            if (!quoted && (c == '*' || c == '?' || c == '[')) field.has_pattern = true;
        }
        field.pattern.push_back(c);
    }
}

// Collects fields; knows whether one is begun and what ended the last one.
class Splitter {
  public:
    explicit Splitter(std::string_view ifs) : ifs_(ifs) {}

    void add(const Fragment& fragment) {
        if (fragment.starts_field) end_field();
        if (!fragment.splits) {
            if (fragment.quoted || !fragment.text.empty()) begin_field();
            append_text(field_, fragment.text, fragment.quoted);
            return;
        }
        std::string_view rest = fragment.text;
        while (!rest.empty()) {
            const std::size_t plain = rest.find_first_of(ifs_);
            if (plain != 0) {
                begin_field();
                append_text(field_, rest.substr(0, plain), false);
            }
            if (plain == std::string_view::npos) return;
            separator(rest[plain]);
            rest.remove_prefix(plain + 1);
        }
    }

    std::vector<Field> finish() {
        end_field();
        return std::move(fields_);
    }

  private:
    void begin_field() {
        begun_ = true;
        after_white_ = false;
    }
    void end_field() {
        if (!begun_) return;
        fields_.push_back(std::move(field_));
        field_ = {};
        begun_ = false;
    }
    void separator(char c) {
        if (is_white(c)) {
            after_white_ = after_white_ || begun_;
            end_field();
            return;
        }
        // White space around another separator belongs to it.
        if (!after_white_) begun_ = true;
        after_white_ = false;
        end_field();
    }

    std::string_view ifs_;
    std::vector<Field> fields_;
    Field field_;
    bool begun_ = false;
    bool after_white_ = false;
};

}  // namespace

std::vector<Field> split_fields(const std::vector<Fragment>& fragments, std::string_view ifs) {
    Splitter splitter(ifs);
    for (const Fragment& fragment : fragments)
        splitter.add(fragment);
    return splitter.finish();
}

Field join_fragments(const std::vector<Fragment>& fragments) {
    Field field;
    for (const Fragment& fragment : fragments)
        append_text(field, fragment.text, fragment.quoted);
    return field;
}

std::vector<std::string> split_line(std::string_view line, const std::vector<bool>& escaped,
                                    std::string_view ifs, std::size_t count) {
    const auto separates = [&](std::size_t at) {
        return !escaped[at] && ifs.find(line[at]) != std::string_view::npos;
    };
    const auto white = [&](std::size_t at) { return separates(at) && is_white(line[at]); };
    std::vector<std::string> fields;
    std::size_t at = 0;
    while (at < line.size() && white(at))
        ++at;
    while (fields.size() + 1 < count && at < line.size()) {
        std::size_t end = at;
        while (end < line.size() && !separates(end))
            ++end;
        fields.emplace_back(line.substr(at, end - at));
        at = end;
        while (at < line.size() && white(at))
            ++at;
        if (at < line.size() && separates(at)) {
            ++at;
            while (at < line.size() && white(at))
                ++at;
        }
    }
    if (at >= line.size()) return fields;
    std::size_t end = line.size();
    while (end > at && white(end - 1))
        --end;
    // One separator that ends the line ends its last field and is not part of it.
    std::size_t first = at;
    while (first < end && !separates(first))
        ++first;
    if (first + 1 == end) end = first;
    fields.emplace_back(line.substr(at, end - at));
    return fields;
}

}  // namespace halfcell::userland::sh
