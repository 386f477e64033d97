"""Mutation testing: small faults planted into functions, one at a time; which do tests see?"""
