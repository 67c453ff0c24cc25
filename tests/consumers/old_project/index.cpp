// SPDX-License-Identifier: MIT
#include "index.h"

#include <sstream>

std::vector<std::string> read_lines(std::istream& from) {
    std::vector<std::string> lines;
    std::string line;
    while (std::getline(from, line))
        lines.push_back(line);
    return lines;
}

word_index index_of(const std::vector<std::string>& lines) {
    word_index index;
    for (std::size_t number = 0; number < lines.size(); ++number) {
        std::istringstream words(lines[number]);
        std::string word;
        while (words >> word)
            index[word].push_back(static_cast<int>(number + 1));
    }
    return index;
}
