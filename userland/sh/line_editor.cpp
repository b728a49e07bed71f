#include "userland/sh/line_editor.h"

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/sh/completion.h"

namespace halfcell::userland::sh {
namespace {

constexpr std::size_t kRemembered = 500;
// What is left for the line where the prompt fills the row.
constexpr std::size_t kNarrowest = 8;

constexpr char kEscape = '\x1b';
constexpr std::string_view kEraseToEnd = "\x1b[K";
constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";
constexpr std::string_view kBell = "\a";

constexpr char key(char letter) {
    return static_cast<char>(letter & 0x1f);
}

// UTF-8: a byte that goes on with a character.
bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

bool is_blank_character(char c) {
    return c == ' ' || c == '\t';
}

// Columns of a text: its characters without escape sequences.
std::size_t width(std::string_view text) {
    std::size_t result = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == kEscape && i + 1 < text.size() && text[i + 1] == '[') {
            i += 2;
            while (i < text.size() && (text[i] < '@' || text[i] > '~'))
                ++i;
        } else if (!continues(text[i])) {
            ++result;
        }
    }
    return result;
}

// Names in columns, downwards, as ls shows them.
std::string in_columns(const std::vector<std::string>& names, std::size_t columns) {
    std::size_t widest = 0;
    for (const std::string& name : names)
        widest = std::max(widest, width(name));
    const std::size_t across = std::max<std::size_t>(1, columns / (widest + 2));
    const std::size_t rows = (names.size() + across - 1) / across;
    std::string text;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = row; i < names.size(); i += rows) {
            text += names[i];
            if (i + rows < names.size()) text.append(widest + 2 - width(names[i]), ' ');
        }
        text.push_back('\n');
    }
    return text;
}

}  // namespace

void LineEditor::begin(std::string_view prompt, std::size_t columns) {
    whole_prompt_ = prompt;
    const std::size_t newline = prompt.rfind('\n');
    prompt_ = newline == std::string_view::npos ? prompt : prompt.substr(newline + 1);
    prompt_width_ = width(prompt_);
    columns_ = columns;
    escape_ = Escape::kNone;
    output_ += whole_prompt_;
    if (!line_.empty()) show();
}

LineEditor::Outcome LineEditor::type(char byte) {
    if (escape_ == Escape::kBegun) {
        parameters_.clear();
        escape_ = byte == '[' || byte == 'O' ? Escape::kSequence : Escape::kNone;
    } else if (escape_ == Escape::kSequence) {
        if (byte >= '@' && byte <= '~') {
            escape_ = Escape::kNone;
            end_sequence(byte);
        } else {
            parameters_.push_back(byte);
        }
    } else if (byte == '\n' || byte == '\r') {
        output_.push_back('\n');
        return Outcome::kLine;
    } else if (byte == key('D') && line_.empty()) {
        return Outcome::kEnd;
    } else if (static_cast<unsigned char>(byte) >= ' ' && byte != '\x7f') {
        insert({&byte, 1});
    } else {
        control(byte);
    }
    return Outcome::kMore;
}

void LineEditor::control(char byte) {
    switch (byte) {
        case kEscape:
            escape_ = Escape::kBegun;
            break;
        case key('A'):
            move(0);
            break;
        case key('B'):
            move(before(cursor_));
            break;
        case key('D'):
            erase(cursor_, behind(cursor_));
            break;
        case key('E'):
            move(line_.size());
            break;
        case key('F'):
            move(behind(cursor_));
            break;
        case key('H'):
        case '\x7f':
            erase(before(cursor_), cursor_);
            break;
        case '\t':
            complete();
            break;
        case key('K'):
            erase(cursor_, line_.size());
            break;
        case key('L'):
            output_.append(kClearScreen).append(whole_prompt_);
            show();
            break;
        case key('N'):
            recall(recalled_ + 1);
            break;
        case key('P'):
            recall(recalled_ - 1);
            break;
        case key('U'):
            erase(0, cursor_);
            break;
        case key('W'):
            erase(word_begin(), cursor_);
            break;
        default:
            break;
    }
}

// The keys that are several bytes: ESC [ or ESC O, digits, and the byte that says which one.
void LineEditor::end_sequence(char final) {
    if (final == '~') {
        if (parameters_ == "1" || parameters_ == "7") final = 'H';
        if (parameters_ == "4" || parameters_ == "8") final = 'F';
        if (parameters_ == "3") erase(cursor_, behind(cursor_));
    }
    switch (final) {
        case 'A':
            return control(key('P'));
        case 'B':
            return control(key('N'));
        case 'C':
            return control(key('F'));
        case 'D':
            return control(key('B'));
        case 'H':
            return control(key('A'));
        case 'F':
            return control(key('E'));
        default:
            return;
    }
}

void LineEditor::insert(std::string_view text) {
    const bool at_end = cursor_ == line_.size();
    line_.insert(cursor_, text);
    cursor_ += text.size();
    // What is appended needs no more than itself, as long as the row has room for it and for the cursor.
    if (at_end && prompt_width_ + width(line_) < columns_) {
        output_ += text;
    } else {
        show();
    }
}

void LineEditor::erase(std::size_t from, std::size_t to) {
    if (from == to) return;
    line_.erase(from, to - from);
    cursor_ = from;
    show();
}

void LineEditor::move(std::size_t to) {
    if (cursor_ == to) return;
    cursor_ = to;
    show();
}

void LineEditor::recall(std::size_t index) {
    if (index > history_.size()) return;
    if (recalled_ == history_.size()) new_line_ = line_;
    recalled_ = index;
    line_ = index == history_.size() ? new_line_ : history_[index];
    cursor_ = line_.size();
    show();
}

void LineEditor::complete() {
    const Completion completion = complete_path(std::string_view(line_).substr(0, cursor_), directories_);
    if (!completion.added.empty()) return insert(completion.added);
    if (completion.names.empty()) {
        output_ += kBell;
        return;
    }
    output_.append("\n").append(in_columns(completion.names, columns_)).append(whole_prompt_);
    show();
}

std::size_t LineEditor::before(std::size_t at) const {
    while (at > 0 && continues(line_[--at])) {
    }
    return at;
}

std::size_t LineEditor::behind(std::size_t at) const {
    if (at < line_.size()) ++at;
    while (at < line_.size() && continues(line_[at]))
        ++at;
    return at;
}

std::size_t LineEditor::word_begin() const {
    std::size_t at = cursor_;
    while (at > 0 && is_blank_character(line_[at - 1]))
        --at;
    while (at > 0 && !is_blank_character(line_[at - 1]))
        --at;
    return at;
}

// Draws the row anew: the prompt, and as much of the line as there is room for, with the cursor in it.
void LineEditor::show() {
    const std::size_t least = prompt_width_ + kNarrowest;
    const std::size_t room = (columns_ > least ? columns_ : least) - prompt_width_ - 1;
    std::size_t cursor_column = width(std::string_view(line_).substr(0, cursor_));
    std::size_t begin = 0;
    for (; cursor_column > room; --cursor_column)
        begin = behind(begin);
    std::size_t end = begin;
    for (std::size_t column = 0; column < room && end < line_.size(); ++column)
        end = behind(end);
    output_.append("\r").append(prompt_).append(line_, begin, end - begin).append(kEraseToEnd);
    if (end == cursor_) return;
    output_.append("\r");
    if (const std::size_t column = prompt_width_ + cursor_column; column > 0)
        output_.append("\x1b[").append(decimal(column)).append("C");
}

std::string LineEditor::take_line() {
    const bool repeated = !history_.empty() && history_.back() == line_;
    const bool blank = std::all_of(line_.begin(), line_.end(), is_blank_character);
    if (!repeated && !blank) history_.push_back(line_);
    if (history_.size() > kRemembered) history_.erase(history_.begin());
    std::string line = line_;
    forget_line();
    return line;
}

void LineEditor::forget_line() {
    line_.clear();
    new_line_.clear();
    cursor_ = 0;
    recalled_ = history_.size();
}

}  // namespace halfcell::userland::sh
