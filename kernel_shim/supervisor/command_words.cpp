#include "kernel_shim/supervisor/command_words.h"

namespace halfcell::supervisor {

Result<std::vector<std::string>> split_words(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != '\0') {
            if (c == quote)
                quote = '\0';
            else if (c == '\\' && quote == '"' && i + 1 < line.size())
                word.push_back(line[++i]);
            else
                word.push_back(c);
        } else if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (c == '\\' && i + 1 < line.size()) {
            word.push_back(line[++i]);
            in_word = true;
        } else if (c == ' ' || c == '\t') {
            if (in_word) words.push_back(std::move(word));
            word.clear();
            in_word = false;
        } else {
            word.push_back(c);
            in_word = true;
        }
    }
    if (quote != '\0') return fail(Errno::kEINVAL);
    if (in_word) words.push_back(std::move(word));
    return words;
}

}  // namespace halfcell::supervisor
