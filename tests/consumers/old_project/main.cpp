// SPDX-License-Identifier: MIT
#include "index.h"

#include <iostream>

int main() {
    const std::vector<std::string> lines = read_lines(std::cin);
    const word_index index = index_of(lines);
    std::cout << lines.size() << " lines, " << index.size() << " words\n";
}
