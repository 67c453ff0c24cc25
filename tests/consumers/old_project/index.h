// SPDX-License-Identifier: MIT
#ifndef INDEX_H
#define INDEX_H

#include <istream>
#include <map>
#include <string>
#include <vector>

typedef std::map<std::string, std::vector<int> > word_index;

std::vector<std::string> read_lines(std::istream& from);
word_index index_of(const std::vector<std::string>& lines);

#endif
