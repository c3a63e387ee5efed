/** An event with everything a schema may hold, as the server would describe it: none of its own has all of it yet. */
import type { PublishableEvents } from '@belfry/contract'

const line = {
  type: 'object',
  properties: { sku: { type: 'string' }, pieces: { type: 'integer', minimum: 1, maximum: 99 } },
  required: ['sku', 'pieces'],
}

export const richEvents: PublishableEvents = {
  namespaces: [
    {
      name: '/orders',
      summary: 'Orders.',
      events: [
        {
          name: 'order:placed',
          summary: 'Somebody ordered something.',
          lane: 'stream',
          rooms: ['episode'],
          by: 'anybody',
          schema: {
            type: 'object',
            properties: {
              title: { type: 'string', minLength: 1, maxLength: 80, description: 'What people see.' },
              at: { type: 'string', format: 'date-time' },
              price: { type: 'number', minimum: 0 },
              count: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
              urgent: { type: 'boolean' },
              level: { type: 'number', enum: [1, 2, 3] },
              kind: { default: 'gift', type: 'string', enum: ['gift', 'own'] },
              customer: {
                type: 'object',
                properties: { name: { type: 'string' }, mail: { type: 'string', format: 'email' } },
                required: ['name'],
              },
              tags: { type: 'array', items: { type: 'string' }, maxItems: 3 },
              lines: { type: 'array', minItems: 1, items: line },
              note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
              extra: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: {} },
              choice: { oneOf: [{ type: 'object', properties: {} }, { type: 'string' }] },
              tree: { $ref: '#/definitions/tree' },
            },
            required: [
              'title',
              'price',
              'count',
              'urgent',
              'level',
              'customer',
              'tags',
              'lines',
              'note',
              'extra',
            ],
            definitions: {
              tree: {
                type: 'object',
                properties: { name: { type: 'string' }, next: { $ref: '#/definitions/tree' } },
                required: ['name'],
              },
            },
          },
          example: {
            title: 'Books',
            price: 12.5,
            count: 3,
            urgent: false,
            level: 2,
            customer: { name: 'Ana' },
            tags: ['a', 'b'],
            lines: [{ sku: 'x-1', pieces: 1 }],
            note: null,
            extra: { any: [1, 2] },
          },
        },
        {
          name: 'order:changed',
          summary: 'An order is another than before.',
          lane: 'latest',
          rooms: ['user'],
          by: 'anybody',
          schema: { oneOf: [{ type: 'object', properties: { a: { type: 'string' } } }, { type: 'object' }] },
          example: { a: 'one of several shapes' },
        },
      ],
    },
  ],
}
